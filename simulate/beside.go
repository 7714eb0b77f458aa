package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// beside makes what only other logs than CloudTrail saw of an attack, and what GuardDuty found of it.
func (l *lines) beside(id string, i int, records []record) []line {
	b := &logbook{r: rand.New(rand.NewPCG(l.c.Seed, uint64(9000+i)))} //nolint:gosec // attacks are few
	switch id {
	case "help-desk-takeover":
		l.looksFromOutside(b, i, records)
	case "instance-credentials":
		l.forgesRequests(b, i, records)
	case "leaked-key-mining":
		l.mines(b, i, records)
	}
	for _, f := range findings {
		if f.attack == id {
			b.finding(&f, records, l.rented, l.marks)
		}
	}
	return b.out
}

// called lists an attack's calls of a name that were not refused.
func called(records []record, name string) []*record {
	var out []*record
	for i := range records {
		if records[i].body["eventName"] == name && records[i].body["errorCode"] == nil {
			out = append(out, &records[i])
		}
	}
	return out
}

// looksFromOutside: with the console open, the intruder looks at the shop's staff pages, and tries the doors of the machines that it was shown.
func (l *lines) looksFromOutside(b *logbook, attack int, records []record) {
	in, shown := called(records, "ConsoleLogin")[0], called(records, "DescribeInstances")[0]
	from := fmt.Sprint(in.body["sourceIPAddress"])
	web := l.web()
	v := visit{from: from, country: "NL", port: b.port(), method: "GET", agent: browser, status: 200, got: 5200, to: &web[0], mark: &mark{attack, "reconnaissance", "looks at the shop's staff pages"}}
	for n, page := range []string{"/", "/staff", "/staff/login"} {
		v.at, v.path = in.at.Add(time.Duration(2+3*n)*time.Second), page
		b.visit(v)
	}
	tries := &mark{attack, "lateral-movement", "tries the machines from outside, and is refused"}
	for i := range web {
		for n, port := range []int{22, 3389} {
			b.flow(flow{at: shown.at.Add(time.Duration(2+3*i+n) * time.Second), of: &web[i], remote: from, localPort: port, remotePort: b.port(), packets: 3, bytes: 180, tcpFlags: 2, seconds: 7, refused: true, mark: tries})
		}
	}
}

// forgesRequests: the shop's picture service is made to fetch the metadata of the machine that it runs on.
func (l *lines) forgesRequests(b *logbook, attack int, records []record) {
	first := records[0]
	web := l.web()
	v := visit{
		from: fmt.Sprint(first.body["sourceIPAddress"]), country: "DE", port: b.port(), method: "GET", path: "/thumbnail", agent: "python-requests/2.33.0", status: 200, got: 1400, to: &web[1],
		countedBy: "EC2MetaDataSSRF_QUERYARGUMENTS", mark: &mark{attack, "initial-access", "has the shop fetch a machine's credentials"},
	}
	for n, what := range []string{"", "latest/", "latest/meta-data/", "latest/meta-data/iam/", "latest/meta-data/iam/security-credentials/", "latest/meta-data/iam/security-credentials/web"} {
		v.at, v.args = first.at.Add(time.Duration(25*n-240)*time.Second), "url=http%3A%2F%2F169.254.169.254%2F"+what
		b.visit(v)
	}
}

// poolName is a pool for mining, at an address of a provider.
const (
	poolName    = "pool.supportxmr.com"
	poolAddress = "141.94.96.144"
)

// mines: two of the machines that were rented in each Region look the pool up and stay with it.
func (l *lines) mines(b *logbook, attack int, records []record) {
	for n, x := range called(records, "RunInstances") {
		answer, _ := x.body["responseElements"].(m)
		set, _ := answer["instancesSet"].(m)
		items, _ := set["items"].([]any)
		for k := range min(2, len(items)) {
			item, _ := items[k].(m)
			id, _ := item["instanceId"].(string)
			from := machineOf(x.account, x.region, id, fmt.Sprintf("172.31.%d.%d", 16+n, 10+k), fmt.Sprintf("18.%d.%d.%d", 180+n, 20+k, 30+b.r.IntN(200)))
			l.rented[id] = from
			work := &mark{attack, "impact", "rented machines mine"}
			at := x.at.Add(time.Duration(90+b.r.IntN(60)) * time.Second)
			b.lookup(at, &from, poolName, poolAddress, work)
			port := b.port()
			for minute := range 6 {
				b.connection(flow{at: at.Add(time.Duration(minute)*time.Minute + time.Second), of: &from, out: true, remote: poolAddress, localPort: port, remotePort: 3333, packets: 40 + b.r.IntN(20), bytes: 6000 + b.r.IntN(3000), seconds: 58, mark: work}, 9000)
			}
		}
	}
}
