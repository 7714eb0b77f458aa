package simulate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// flowHeader is the format that the organisation chose for its flow logs: fields up to version 5.
const flowHeader = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status " +
	"vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"

// flow is one direction of a TCP connection of a machine.
type flow struct {
	at                       time.Time
	of                       *machine
	out                      bool // from the machine
	remote                   string
	localPort, remotePort    int
	packets, bytes, tcpFlags int
	seconds                  int
	refused                  bool
	service                  string // of AWS, at the other end
	mark                     *mark
	path                     string // traffic-path of what goes out
}

func (b *logbook) flow(f flow) {
	src, dst, sport, dport := f.remote, f.of.private, f.remotePort, f.localPort
	direction, path, srcService, dstService := "ingress", "-", "-", "-"
	if f.service != "" {
		srcService = f.service
	}
	if f.out {
		src, dst, sport, dport = dst, src, dport, sport
		srcService, dstService = dstService, srcService
		direction, path = "egress", f.path
	}
	action := "ACCEPT"
	if f.refused {
		action = "REJECT"
	}
	start := f.at.Unix()
	text := fmt.Sprintf("5 %s %s %s %s %d %d 6 %d %d %d %d %s OK %s %s %s %d IPv4 %s %s %s %s %s %s %s %s",
		accounts[f.of.account].id, f.of.eni, src, dst, sport, dport, f.packets, f.bytes, start, start+int64(max(1, f.seconds)), action,
		f.of.vpc, f.of.subnet, f.of.id, f.tcpFlags, src, dst, f.of.region, zoneOf(f.of.region), srcService, dstService, direction, path)
	b.add(place{"vpcflow", f.of.account, f.of.region, f.of.vpc}, f.at, text, f.mark)
}

// zoneOf is the id of a Region's first zone: euw1-az1.
func zoneOf(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) != 3 {
		return "-"
	}
	short := map[string]string{"north": "n", "south": "s", "east": "e", "west": "w", "central": "c", "southeast": "se", "northeast": "ne"}[parts[1]]
	return parts[0] + short + parts[2] + "-az1"
}

// connection is both directions of a connection that was answered.
func (b *logbook) connection(f flow, answerBytes int) {
	f.tcpFlags, f.path = 3, "8"
	if strings.HasPrefix(f.remote, "10.") {
		f.path = "1"
	}
	b.flow(f)
	back := f
	back.out, back.bytes, back.packets, back.tcpFlags = !f.out, answerBytes, 3+answerBytes/1400, 19
	b.flow(back)
}

// lookup is a machine's question to the Resolver.
func (b *logbook) lookup(at time.Time, from *machine, name, answer string, of *mark) {
	text, err := json.Marshal(m{
		"version": "1.100000", "account_id": accounts[from.account].id, "region": from.region, "vpc_id": from.vpc, "query_timestamp": at.UTC().Format("2006-01-02T15:04:05Z"),
		"query_name": name + ".", "query_type": "A", "query_class": "IN", "rcode": "NOERROR", "answers": []any{m{"Rdata": answer, "Type": "A", "Class": "IN"}},
		"srcaddr": from.private, "srcport": fmt.Sprint(b.port()), "transport": "UDP", "srcids": m{"instance": from.id},
	})
	if err == nil { // always: these are texts
		b.add(place{"resolver", from.account, from.region, from.vpc}, at, string(text), of)
	}
}

// remembered is for how long a machine remembers an address that it looked up.
const remembered = time.Minute

// call is what a machine's call looks like from below: the name, unless it was asked for just now, and the connection.
func (b *logbook) call(x *record, from *machine, of *mark, asked map[string]time.Time) {
	source, _ := x.body["eventSource"].(string)
	service, _, _ := strings.Cut(source, ".")
	name := service + "." + x.region + ".amazonaws.com"
	address := addressOf(service, x.region)
	if last, known := asked[from.id+name]; !known || x.at.Sub(last) > remembered || x.at.Before(last) {
		b.lookup(x.at.Add(-time.Second), from, name, address, of)
		asked[from.id+name] = x.at
	}
	at := "AMAZON"
	if service == "s3" {
		at = "S3"
	}
	sent := 1800 + b.r.IntN(900)
	got := 4000 + b.r.IntN(3000)
	if data, ok := x.body["additionalEventData"].(m); ok {
		if n, ok := data["bytesTransferredOut"].(int); ok {
			got += n
		}
	}
	b.connection(flow{at: x.at, of: from, out: true, remote: address, localPort: b.port(), remotePort: 443, packets: 9 + b.r.IntN(8), bytes: sent, seconds: 1 + b.r.IntN(20), service: at, mark: of}, got)
}

// scanners are addresses that look at everything there is.
var scanners = []string{"167.94.138.%d", "71.6.135.%d", "162.142.125.%d", "80.82.77.%d"}

// strangers knock at the machines' public addresses all day and are refused.
func (b *logbook) strangers(day time.Time, at []machine, n int) {
	for i := range at {
		for range n {
			from := fmt.Sprintf(scanners[b.r.IntN(len(scanners))], 1+b.r.IntN(200))
			b.flow(flow{
				at: b.within(day, 24*time.Hour), of: &at[i], remote: from, localPort: []int{22, 23, 3389, 8080, 6379, 5432}[b.r.IntN(6)], remotePort: b.port(),
				packets: 1, bytes: 44, tcpFlags: 2, refused: true,
			})
		}
	}
}
