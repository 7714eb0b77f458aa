package detect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// RuleTest is one case of a <rule>.test.yml: events, and whether the rule beside it fires on them.
type RuleTest struct {
	Name        string         `yaml:"name"`
	Fires       bool           `yaml:"fires"`
	Event       map[string]any `yaml:"event"`
	Events      []TestEvents   `yaml:"events"`
	Environment yaml.Node      `yaml:"environment"`
	Places      map[string]struct {
		Country string `yaml:"country"`
		ASN     uint32 `yaml:"asn"`
		Org     string `yaml:"org"`
	} `yaml:"places"`
}

// TestEvents is a run of like events: Repeat copies, Every apart. "{n}" in a text is the copy's number. A format of text lines has Line in
// place of Event: the record as it is written, in which {unix}, {iso} and {clf} stand for its time (epoch seconds, RFC 3339, the form of S3).
type TestEvents struct {
	Repeat int            `yaml:"repeat"`
	Every  string         `yaml:"every"`
	Event  map[string]any `yaml:"event"`
	Line   string         `yaml:"line"`
}

// ReadTests reads a test file strictly.
func ReadTests(raw []byte) ([]RuleTest, error) {
	var tests []RuleTest
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&tests); err != nil {
		return nil, err
	}
	for i, t := range tests {
		if (t.Event == nil) == (len(t.Events) == 0) {
			return nil, fmt.Errorf("test %d (%s) needs either event or events", i+1, t.Name)
		}
	}
	return tests, nil
}

// testBase is the record that test events are merged over.
var testBase = map[string]any{
	"eventVersion": "1.11", "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7",
	"userAgent": "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.7",
	"userIdentity": map[string]any{
		"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333",
		"accessKeyId": "AKIAEXAMPLEALICE0001", "principalId": "AIDAEXAMPLEALICE00001",
	},
	"recipientAccountId": "111122223333", "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
}

// kubernetesBase is the same for rules on the Kubernetes audit log: alice, by way of IAM, on a cluster of EKS.
var kubernetesBase = map[string]any{
	"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete", "sourceIPs": []any{"198.51.100.7"}, "userAgent": "kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0",
	"user": map[string]any{
		"username": "alice", "uid": "aws-iam-authenticator:111122223333:AIDAEXAMPLEALICE00001", "groups": []any{"developers", "system:authenticated"},
		"extra": map[string]any{"arn": []any{"arn:aws:iam::111122223333:user/alice"}, "canonicalArn": []any{"arn:aws:iam::111122223333:user/alice"}, "accessKeyId": []any{"AKIAEXAMPLEALICE0001"}, "sessionName": []any{""}},
	},
	"responseStatus": map[string]any{"code": 200},
	"annotations":    map[string]any{"authorization.k8s.io/decision": "allow"},
	"cloudWatchLogs": map[string]any{"owner": "111122223333", "logGroup": "/aws/eks/shop/cluster"},
}

// resolverBase and wafBase are the same for Route 53 Resolver's query log and AWS WAF's log.
var (
	resolverBase = map[string]any{
		"version": "1.100000", "account_id": "111122223333", "region": "eu-west-1", "vpc_id": "vpc-0a1b2c3d", "query_type": "A", "query_class": "IN", "rcode": "NOERROR",
		"srcaddr": "10.0.1.20", "srcport": "51514", "transport": "UDP", "srcids": map[string]any{"instance": "i-0a1b2c3d4e5f60718"},
	}
	wafBase = map[string]any{
		"formatVersion": 1, "webaclId": "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1", "terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR",
		"action": "ALLOW", "httpSourceName": "ALB", "httpSourceId": "111122223333-app/shop/50dc6c495c0c9188",
		"httpRequest": map[string]any{"clientIp": "198.51.100.7", "country": "NL", "uri": "/cart", "args": "", "httpVersion": "HTTP/2.0", "httpMethod": "GET"},
	}
)

// bases are the records that test events are merged over, by format; fill adds what is a record's own. Formats of text lines have none.
var bases = map[string]struct {
	record map[string]any
	fill   func(record map[string]any, at time.Time, n int)
}{
	"cloudtrail": {testBase, fill},
	"eksaudit": {kubernetesBase, func(record map[string]any, at time.Time, n int) {
		record["stageTimestamp"], record["auditID"] = at.Format(time.RFC3339), fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}},
	"resolver": {resolverBase, func(record map[string]any, at time.Time, _ int) { record["query_timestamp"] = at.Format(time.RFC3339) }},
	"waf":      {wafBase, func(record map[string]any, at time.Time, _ int) { record["timestamp"] = at.UnixMilli() }},
}

var testStart = time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)

// line fills a line in.
func (g *TestEvents) line(at time.Time, n int) string {
	return strings.NewReplacer("{n}", strconv.Itoa(n), "{unix}", strconv.FormatInt(at.Unix(), 10), "{iso}", at.Format(time.RFC3339), "{clf}", at.Format("02/Jan/2006:15:04:05 -0700")).Replace(g.Line)
}

// Records makes the records of a test, one to a line, for a format.
func (t *RuleTest) Records(format string) ([]byte, error) {
	list := t.Events
	if t.Event != nil {
		list = []TestEvents{{Event: t.Event}}
	}
	var out bytes.Buffer
	at, n := testStart, 0
	for _, group := range list {
		every := time.Second
		if group.Every != "" {
			var err error
			if every, err = time.ParseDuration(group.Every); err != nil {
				return nil, fmt.Errorf("every: %w", err)
			}
		}
		for copyNumber := range max(1, group.Repeat) {
			n++
			if group.Line != "" {
				out.WriteString(group.line(at, copyNumber+1) + "\n")
				at = at.Add(every)
				continue
			}
			base, ok := bases[format]
			if !ok {
				return nil, fmt.Errorf("there are no test events of the format %s yet; give lines", format)
			}
			record := merged(base.record, numbered(group.Event, copyNumber+1).(map[string]any))
			base.fill(record, at, n)
			raw, err := json.Marshal(record)
			if err != nil {
				return nil, fmt.Errorf("event is not a record: %w", err)
			}
			out.Write(raw)
			out.WriteByte('\n')
			at = at.Add(every)
		}
	}
	return out.Bytes(), nil
}

func fill(record map[string]any, at time.Time, n int) {
	put := func(key string, value any) {
		if _, given := record[key]; !given {
			record[key] = value
		}
	}
	name, _ := record["eventName"].(string)
	put("eventTime", at.Format(time.RFC3339))
	put("eventSource", "iam.amazonaws.com")
	put("eventID", fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
	put("requestID", fmt.Sprintf("request-%d", n))
	put("readOnly", slices.ContainsFunc([]string{"Get", "List", "Describe", "Head", "Lookup"}, func(v string) bool { return strings.HasPrefix(name, v) }))
}

// merged lays over over base: maps merge, null deletes, the identity is replaced whole.
func merged(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for k, v := range over {
		inner, isMap := v.(map[string]any)
		below, both := out[k].(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case isMap && both && k != "userIdentity" && k != "user":
			out[k] = merged(below, inner)
		default:
			out[k] = v
		}
	}
	return out
}

// numbered puts the copy's number for "{n}".
func numbered(v any, n int) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "{n}", fmt.Sprint(n))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = numbered(x, n)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = numbered(x, n)
		}
		return out
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return v
}

// Run runs the test on a compiled set and returns the sentences of the signals; quiet base rules do not speak.
func (t *RuleTest) Run(rules *Rules, shape ocsf.Shape, places enrich.Locator) (sentences []string, err error) {
	raw, err := t.Records(shape.Mapping.Name)
	if err != nil {
		return nil, err
	}
	var env *enrich.Environment
	if t.Environment.Kind != 0 {
		text, err := yaml.Marshal(&t.Environment)
		if err != nil {
			return nil, err
		}
		if env, err = enrich.ParseEnvironment(text); err != nil {
			return nil, err
		}
	}
	if len(t.Places) > 0 {
		places = t.locator()
	}
	survey := &enrich.Survey{}
	history := &baseline.History{}
	early := enrich.NewJudge(&enrich.Survey{}, nil, places)
	each := func(do func(e *ocsf.Event, f *enrich.Facts, id EventID)) error {
		var facts enrich.Facts
		return ocsf.NewDecoder(shape, records.Limits{}).Decode(context.Background(), bytes.NewReader(raw), "test", ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				facts.Reset(early, e)
				do(e, &facts, IDOf(e.Str(ocsf.CloudAccountUID), e.ID))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error {
				return fmt.Errorf("event %d: %s: %s", u.At.Record+1, u.Reason, u.Detail)
			},
		})
	}
	err = each(func(e *ocsf.Event, f *enrich.Facts, id EventID) {
		survey.Add(e)
		Observe(history, e, f, enrich.Handle(e), id)
	})
	if err != nil {
		return nil, err
	}
	judge := enrich.NewJudge(survey, env, places)
	history = history.Renamed(judge.Resolve)
	d := NewDetector(rules, history)
	err = each(func(e *ocsf.Event, f *enrich.Facts, id EventID) { f.Reset(judge, e); d.Event(e, f, id, 0) })
	if err != nil {
		return nil, err
	}
	v := d.Conclude()
	err = each(func(e *ocsf.Event, f *enrich.Facts, id EventID) {
		if v.Needs()[0][id] {
			f.Reset(judge, e)
			v.Evidence(e, f, id)
		}
	})
	signals, _, _ := v.Signals()
	for i := range signals {
		sentences = append(sentences, signals[i].Rule.Level.String()+": "+signals[i].Sentence)
	}
	return sentences, err
}
