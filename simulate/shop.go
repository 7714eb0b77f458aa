package simulate

import (
	"encoding/json"
	"fmt"
	"time"
)

// visit is one request to the shop, as the web ACL, the load balancer and the machine behind it saw it.
type visit struct {
	at            time.Time
	from, country string
	port          int
	method        string
	path, args    string
	agent         string
	status        int
	got           int // bytes of the answer
	blockedBy     string
	countedBy     string
	to            *machine
	mark          *mark
}

// customerNetworks are where the shop's customers sit.
var customerNetworks = []struct{ prefix, country string }{
	{"79.192.%d.%d", "DE"}, {"87.140.%d.%d", "DE"}, {"84.113.%d.%d", "AT"}, {"86.144.%d.%d", "GB"}, {"90.84.%d.%d", "FR"}, {"83.49.%d.%d", "ES"}, {"77.160.%d.%d", "NL"},
}

var customerAgents = []string{
	browser,
	"Mozilla/5.0 (iPhone; CPU iPhone OS 20_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
}

// customers come over the day, most in the afternoon, and look at a few pages each; a few crawlers try doors that the web ACL keeps shut.
func (b *logbook) customers(day time.Time, web []machine, n int, weekend bool) {
	if weekend {
		n = n * 3 / 2
	}
	for range n {
		net := customerNetworks[b.r.IntN(len(customerNetworks))]
		v := visit{from: fmt.Sprintf(net.prefix, 1+b.r.IntN(250), 1+b.r.IntN(250)), country: net.country, agent: customerAgents[b.r.IntN(len(customerAgents))], port: b.port()}
		v.at = day.Add(time.Duration(360+b.r.IntN(510)+b.r.IntN(510)) * time.Minute)
		for i := range 2 + b.r.IntN(5) {
			v.method, v.args, v.status, v.got, v.to = "GET", "", 200, 2000+b.r.IntN(40000), &web[b.r.IntN(len(web))]
			switch {
			case i == 0:
				v.path = "/"
			case b.r.IntN(5) == 0:
				v.path, v.args = "/search", "q="+[]string{"lamp", "desk", "chair", "shelf"}[b.r.IntN(4)]
			case b.r.IntN(8) == 0:
				v.method, v.path, v.got = "POST", "/api/orders", 300
			case b.r.IntN(20) == 0:
				v.path, v.status = "/products/old-"+fmt.Sprint(b.r.IntN(90)), 404
			default:
				v.path = fmt.Sprintf("/products/%d", 100+b.r.IntN(400))
			}
			b.visit(v)
			v.at = b.within(v.at.Add(3*time.Second), time.Minute)
		}
	}
	for range n / 50 {
		v := visit{from: fmt.Sprintf(scanners[b.r.IntN(len(scanners))], 1+b.r.IntN(200)), country: "US", agent: "Mozilla/5.0 zgrab/0.x", port: b.port(), method: "GET", status: 403, got: 118, at: b.within(day, 24*time.Hour)}
		for _, v.path = range []string{"/.env", "/wp-login.php", "/.git/config", "/phpmyadmin/index.php"} {
			v.blockedBy = "AWS-AWSManagedRulesCommonRuleSet"
			b.visit(v)
			v.at = b.within(v.at.Add(time.Second), 4*time.Second)
		}
	}
}

func (b *logbook) visit(v visit) {
	trace := fmt.Sprintf("1-%08x-%s", v.at.Unix(), hash(fmt.Sprint(v.from, v.port, v.at.UnixNano()), 24))
	b.add(place{"waf", production, regions[0], shopACL}, v.at, v.acl(trace), v.mark)
	took := 8 + b.r.IntN(90)
	b.add(place{"alb", production, regions[0], shopBalancer}, v.at.Add(time.Duration(took)*time.Millisecond), v.balancer(trace, took), v.mark)
	if v.to != nil {
		b.connection(flow{at: v.at, of: v.to, remote: balancerNodes[b.r.IntN(len(balancerNodes))], localPort: 8080, remotePort: b.port(), packets: 6 + b.r.IntN(4), bytes: 900 + b.r.IntN(400), seconds: 2, mark: v.mark}, v.got)
	}
}

// balancer is the load balancer's line.
func (v *visit) balancer(trace string, took int) string {
	account, region := accounts[production].id, regions[0]
	target, targetStatus, times, actions := "-", "-", "-1 -1 -1", "waf"
	if v.to != nil {
		target, targetStatus, actions = v.to.private+":8080", fmt.Sprint(v.status), "waf,forward"
		times = fmt.Sprintf("0.001 0.%03d 0.000", took)
	}
	query := ""
	if v.args != "" {
		query = "?" + v.args
	}
	const stamp = "2006-01-02T15:04:05.000000Z"
	return fmt.Sprintf("h2 %s app/%s %s:%d %s %s %d %s %d %d \"%s https://%s:443%s%s HTTP/2.0\" %q TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:%s:%s:targetgroup/shop-web/%s \"Root=%s\" %q \"arn:aws:acm:%s:%s:certificate/7c1e4a90-5b1d-4c7e-9a52-0d6f1b2c3e4f\" 1 %s %q \"-\" \"-\" \"%s\" \"%s\" \"-\" \"-\" TID_%s",
		v.at.Add(time.Duration(took)*time.Millisecond).UTC().Format(stamp), shopBalancer, v.from, v.port, target, times, v.status, targetStatus, 400+len(v.path)+len(v.args), v.got,
		v.method, shopName, v.path, query, v.agent, region, account, hash("shop-web", 16), trace, shopName, region, account,
		v.at.UTC().Format(stamp), actions, target, targetStatus, hash(fmt.Sprint(v.from, v.port), 32))
}

// acl is the web ACL's record.
func (v *visit) acl(trace string) string {
	account, region := accounts[production].id, regions[0]
	out := m{
		"timestamp": v.at.UnixMilli(), "formatVersion": 1, "webaclId": "arn:aws:wafv2:" + region + ":" + account + ":regional/webacl/" + shopACL + "/3d8f2a61-9c4b-4e7d-8f10-2b5a6c7d8e9f",
		"terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR", "action": "ALLOW", "terminatingRuleMatchDetails": []any{}, "httpSourceName": "ALB",
		"httpSourceId": account + "-app/" + shopBalancer, "ruleGroupList": []any{}, "rateBasedRuleList": []any{}, "nonTerminatingMatchingRules": []any{}, "requestHeadersInserted": nil, "responseCodeSent": nil,
		"httpRequest": m{
			"clientIp": v.from, "country": v.country, "headers": []any{m{"name": "host", "value": shopName}, m{"name": "user-agent", "value": v.agent}, m{"name": "accept", "value": "*/*"}},
			"uri": v.path, "args": v.args, "httpVersion": "HTTP/2.0", "httpMethod": v.method, "requestId": trace, "fragment": "", "scheme": "https", "host": shopName,
		},
	}
	if v.blockedBy != "" {
		out["terminatingRuleId"], out["terminatingRuleType"], out["action"], out["responseCodeSent"] = v.blockedBy, "MANAGED_RULE_GROUP", "BLOCK", v.status
	}
	if v.countedBy != "" {
		out["nonTerminatingMatchingRules"] = []any{m{"ruleId": v.countedBy, "action": "COUNT", "ruleMatchDetails": []any{}}}
	}
	text, err := json.Marshal(out)
	if err != nil { // never: these are texts and numbers
		return ""
	}
	return string(text)
}
