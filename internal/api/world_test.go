package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/health"
	"github.com/tocsin-security/tocsin/internal/hunt"
	"github.com/tocsin-security/tocsin/internal/incident"
	"github.com/tocsin-security/tocsin/internal/intel"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// tenant is an account all of whose values can be told from another's.
type tenant struct {
	account, mark, address string
}

// what values are all accounts', so that they lead from one to another.
const (
	sharedAddress = "198.51.100.7"
	sharedUser    = "shared-admin"
)

// world is a random organisation of several accounts. It is made whole by its seed, and can be put into a site without some of them.
type world struct {
	tenants   []tenant
	events    []tenantsEvent
	alerts    []tenantsAlert
	incidents [][]int // indices of alerts
	rules     []string
	at        time.Time
}

type tenantsEvent struct {
	of   int
	line string
}

type tenantsAlert struct {
	of      []int // whose events it holds
	verdict string
	in      int // incident; -1 for none
}

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 9))
	w := &world{at: time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)}
	for i := range 4 + r.IntN(2) {
		w.tenants = append(w.tenants, tenant{account: fmt.Sprintf("%012d", 700_000_000_000+r.Int64N(90_000_000_000)), mark: fmt.Sprintf("zq%c%dq", 'a'+i, 100+r.IntN(900)), address: fmt.Sprintf("203.0.113.%d", 101+i*17)})
	}
	for i := range w.tenants {
		for n := range 8 + r.IntN(12) {
			w.events = append(w.events, tenantsEvent{i, w.line(i, n, r)})
		}
	}
	for range 14 {
		a := tenantsAlert{of: []int{r.IntN(len(w.tenants))}, in: -1, verdict: []string{"", "", desk.FalsePositive, desk.TruePositive}[r.IntN(4)]}
		if r.IntN(4) == 0 {
			a.of = append(a.of, r.IntN(len(w.tenants)))
		}
		w.alerts = append(w.alerts, a)
	}
	for k := range 5 {
		var list []int
		for i := range w.alerts {
			if w.alerts[i].in < 0 && r.IntN(3) == 0 {
				w.alerts[i].in, list = k, append(list, i)
			}
		}
		w.incidents = append(w.incidents, list)
	}
	return w
}

// line is a record of CloudTrail: some of its values are the account's own, some everybody's.
func (w *world) line(i, n int, r *rand.Rand) string {
	t := w.tenants[i]
	user, address := t.mark+"-user", t.address
	if r.IntN(3) == 0 {
		user = sharedUser
	}
	if r.IntN(2) == 0 {
		address = sharedAddress
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":%q,"accountId":%q,"arn":"arn:aws:iam::%s:user/%s","accessKeyId":"AKIA%sKEY"},"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","sourceIPAddress":%q,"userAgent":"%s-agent","requestParameters":{"bucketName":"%s-bucket"},"eventID":"%s-%d","recipientAccountId":%q,"readOnly":true,"resources":[{"ARN":"arn:aws:s3:::%s-bucket","accountId":%q,"type":"AWS::S3::Bucket"}]}`,
		user, t.account, t.account, user, strings.ToUpper(t.mark), w.at.Add(-time.Duration(r.IntN(72*60))*time.Minute).Format(time.RFC3339), []string{"GetBucketAcl", "ListBuckets", "GetBucketPolicy"}[r.IntN(3)], address, t.mark, t.mark, t.mark, n, t.account, t.mark, t.account)
}

// alert is a finding of the accounts that it is of.
func (w *world) alert(k int) finding.Alert {
	x := w.alerts[k]
	first := w.tenants[x.of[0]]
	a := finding.Alert{
		UID: fmt.Sprintf("al%d-%s", k, first.mark), Title: "Alert " + first.mark, Sentence: first.mark + " was seen from " + first.address, Severity: finding.High, First: w.at, Last: w.at, Count: len(x.of), Account: first.account,
		Rule: finding.Rule{ID: w.rules[k%len(w.rules)], Title: "R", Level: finding.High}, Origin: finding.Entity{Type: "user", ID: "arn:aws:iam::" + first.account + ":user/" + first.mark + "-user", Name: first.mark + "-user"},
	}
	for _, i := range x.of {
		t := w.tenants[i]
		card := finding.Card{UID: t.mark + "-0", Account: t.account, Time: w.at, SrcIP: sharedAddress, Principal: t.mark + "-user", Raw: []byte(`{"mark":"` + t.mark + `","sourceIPAddress":"` + sharedAddress + `"}`)}
		a.Signals = append(a.Signals, finding.Signal{UID: fmt.Sprintf("s%d-%s", k, t.mark), Rule: a.Rule, Event: card})
		a.EventUIDs = append(a.EventUIDs, card.UID)
		a.Entities = append(a.Entities, finding.Entity{Type: "ip", ID: sharedAddress}, finding.Entity{Type: "user", ID: t.mark + "-user"})
		a.Accounts = append(a.Accounts, t.account)
	}
	slices.Sort(a.Accounts)
	a.Accounts = slices.Compact(a.Accounts)
	finding.Score(&a)
	return a
}

// keptAll reports whether all accounts of an alert are kept.
func keptAll(of []int, keep func(int) bool) bool {
	return !slices.ContainsFunc(of, func(i int) bool { return !keep(i) })
}

func (w *world) incidentUID(k int) string {
	return fmt.Sprintf("in%d-%s", k, w.tenants[w.alerts[w.incidents[k][0]].of[0]].mark)
}

// conclusion is what of the world has kept accounts alone.
func (w *world) conclusion(keep func(int) bool) *desk.Conclusion {
	c := &desk.Conclusion{Partition: "0", Position: 9, Findings: true, Now: w.at}
	placed := map[int]bool{}
	for k, list := range w.incidents {
		if len(list) == 0 || slices.ContainsFunc(list, func(i int) bool { return !keptAll(w.alerts[i].of, keep) }) {
			continue
		}
		in := incident.Incident{UID: w.incidentUID(k), Severity: finding.High, First: w.at, Last: w.at}
		for _, i := range list {
			a := w.alert(i)
			placed[i] = true
			in.Alerts, in.Accounts, in.Headline = append(in.Alerts, a), append(in.Accounts, a.Accounts...), in.Headline+a.Title+" "
		}
		slices.Sort(in.Accounts)
		in.Accounts = slices.Compact(in.Accounts)
		c.Incidents = append(c.Incidents, in)
	}
	for i := range w.alerts {
		if !placed[i] && keptAll(w.alerts[i].of, keep) {
			c.Loose = append(c.Loose, w.alert(i))
		}
	}
	for i, t := range w.tenants {
		if keep(i) {
			c.Hits = append(c.Hits, detect.IntelHits{Feed: "feed", Kind: intel.IP, Value: t.address, Count: 3, Day: 1, First: 1, Last: 2})
		}
	}
	return c
}

// put fills a site with what of the world has kept accounts alone.
func (w *world) put(s *site, keep func(int) bool) {
	s.t.Helper()
	ctx := s.t.Context()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for _, r := range s.server.Rules().All[:3] {
		w.rules = append(w.rules, r.Finding.ID)
	}
	w.rules = w.rules[:3]
	must(s.desk.Save(ctx, w.conclusion(keep)))
	for k, a := range w.alerts {
		if v := a.verdict; v != "" && keptAll(a.of, keep) {
			_, err := s.desk.Decide(ctx, access.Everything(), desk.Alerts, []string{w.alert(k).UID}, nil, desk.Change{Verdict: &v, Comment: "by who sees all of " + w.tenants[a.of[0]].mark}, desk.By{Name: "boss", Kind: "person", At: w.at})
			must(err)
		}
	}
	var cells []health.Cell
	dir := s.t.TempDir()
	for i, t := range w.tenants {
		if !keep(i) {
			continue
		}
		s.person(access.Person{Name: t.mark + "-analyst", Role: access.Analyst, Accounts: []string{t.account}})
		cells = append(cells, health.Cell{Account: t.account, Name: t.mark, Region: "eu-west-1", Source: "apps", Formats: []string{"cloudtrail"}, State: "ok"})
		text := ""
		for _, e := range w.events {
			if e.of == i {
				text += e.line + "\n"
			}
		}
		must(os.WriteFile(filepath.Join(dir, t.account+".json"), []byte(text), 0o600))
	}
	s.server.Coverage = func() health.Coverage { return health.Coverage{At: w.at, Cells: cells} }
	s.server.Now = func() time.Time { return w.at }
	inv, err := collect.List(ctx, []string{dir}, nil, collect.Limits{})
	must(err)
	defer inv.Close() //nolint:errcheck // temporary files
	_, err = pipeline.Store(ctx, pipeline.Files{Inventory: inv}, pipeline.StoreOptions{Lake: s.server.Lake, Source: "apps", Now: w.at})
	must(err)
}

// hunts keeps one of the caller's, whose result counts everybody, and one of somebody else.
func (w *world) hunts(s *site, caller string) {
	s.t.Helper()
	s.server.Hunts = hunt.Folder{Dir: filepath.Join(s.dir, "hunts")}
	result := hunt.Kept{At: w.at, By: "boss", Hits: 99, Accounts: map[string]int64{}}
	for i, t := range w.tenants {
		result.Accounts[t.account] = int64(i + 1)
		other := hunt.File{Name: "theirs-" + t.mark, Title: t.mark, Question: "who?", Owner: "boss", Query: hunt.Query{Filter: "origin = '" + t.mark + "'"}}
		if err := s.server.Hunts.Save(other); err != nil {
			s.t.Fatal(err)
		}
	}
	mine := hunt.File{Name: "mine", Title: "Mine", Question: "what?", Owner: caller, Query: hunt.Query{Filter: "src_ip = '" + sharedAddress + "'"}, Result: &result}
	if err := s.server.Hunts.Save(mine); err != nil {
		s.t.Fatal(err)
	}
	if err := s.server.Hunts.Keep("mine", result); err != nil {
		s.t.Fatal(err)
	}
}

// narrow is a desk's token that sees some tenants.
func (w *world) narrow(ctx context.Context, s *site, sees []int) (secret string) {
	s.t.Helper()
	t := desk.Token{Name: "narrow", Role: "analyst", Created: w.at}
	for _, i := range sees {
		t.Accounts = append(t.Accounts, w.tenants[i].account)
	}
	secret, err := s.desk.NewToken(ctx, t)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}
