// Command crowd fills the desk of a data folder with more than anybody would like to see, for measuring the console: loose alerts, and one
// incident of many. Each alert has an event of its own with a record of about 1 KB, as a real one has.
//
//	go run ./build/crowd --data DIR [--alerts 100000] [--incident 10000]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

const (
	atOnce  = 5000 // alerts in one transaction
	longAgo = 90   // days: before what a running tocsin concludes anew, and would withdraw as it knows no events of it
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "folder of a tocsin serve that does not run")
	alerts := flag.Int("alerts", 100_000, "alerts in all")
	within := flag.Int("incident", 10_000, "of them in one incident")
	flag.Parse()
	if *data == "" {
		log.Fatal("name a data folder with --data")
	}
	uid, err := fill(context.Background(), *data, *alerts, *within, time.Now().UTC())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(uid)
}

// fill writes a crowd and returns the uid of its incident.
func fill(ctx context.Context, data string, alerts, within int, now time.Time) (uid string, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	d, err := desk.Open(ctx, filepath.Join(data, "desk.db"))
	if err != nil {
		return "", err
	}
	defer d.Close()                                           //nolint:errcheck // all of it is saved by then
	c := crowd{random: rand.New(rand.NewPCG(7, 7)), now: now} //nolint:gosec // the same crowd each time
	save := func(in []incident.Incident, loose []finding.Alert) error {
		return d.Save(ctx, &desk.Conclusion{Partition: "crowd", Position: uint64(c.n), Findings: true, Since: now.AddDate(1, 0, 0), Incidents: in, Loose: loose, Now: now}) //nolint:gosec // a count
	}
	list := make([]finding.Alert, within)
	for i := range list {
		list[i] = c.alert()
	}
	in := incident.Tell(list, nil)
	if err := save([]incident.Incident{in}, nil); err != nil {
		return "", err
	}
	for left := alerts - within; left > 0; left -= atOnce {
		loose := make([]finding.Alert, min(left, atOnce))
		for i := range loose {
			loose[i] = c.alert()
		}
		if err := save(nil, loose); err != nil {
			return "", err
		}
	}
	return in.UID, nil
}

// crowd makes alerts, always the same ones.
type crowd struct {
	random *rand.Rand
	now    time.Time
	n      int
}

var (
	operations = []string{"AttachUserPolicy", "CreateAccessKey", "PutBucketPolicy", "GetSecretValue", "RunInstances", "StopLogging", "ConsoleLogin", "AssumeRole", "PutKeyPolicy", "DeleteTrail"}
	levels     = []finding.Level{finding.Low, finding.Medium, finding.High, finding.Critical}
	tactics    = []string{"initial-access", "persistence", "privilege-escalation", "defense-evasion", "credential-access", "discovery", "collection", "exfiltration", "impact"}
)

func (c *crowd) alert() finding.Alert {
	c.n++
	n := c.n
	at := c.now.AddDate(0, 0, -longAgo).Add(-time.Duration(c.random.IntN(10*24*3600)) * time.Second)
	account := fmt.Sprintf("1111222233%02d", n%20)
	name := fmt.Sprintf("person-%02d", c.random.IntN(50))
	who := finding.Entity{Type: "user", ID: "arn:aws:iam::" + account + ":user/" + name, Name: name}
	operation := operations[c.random.IntN(len(operations))]
	attack := finding.Attack{Tactic: tactics[c.random.IntN(len(tactics))], Technique: fmt.Sprintf("T1%03d", c.random.IntN(60))}
	rule := finding.Rule{ID: fmt.Sprintf("crowd-%03d", c.random.IntN(300)), Title: operation + " by somebody who never did it before", Level: finding.Medium, Attacks: []finding.Attack{attack}}
	bucket := finding.Entity{Type: "bucket", ID: fmt.Sprintf("arn:aws:s3:::bucket-%d", c.random.IntN(400))}
	event := finding.Card{
		UID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Time: at, Service: "iam.amazonaws.com", Operation: operation, Account: account, Region: "eu-west-1", Outcome: "success",
		Principal: who.ID, Origin: who, AccessKey: fmt.Sprintf("AKIA%016d", c.random.IntN(200)), ActorKind: "user", Proof: "aws", SrcIP: fmt.Sprintf("198.51.100.%d", c.random.IntN(250)), Country: "DE", ASN: 64500,
		ASOrg: "Example", UserAgent: "aws-cli/2.15", Resources: []finding.Entity{bucket}, Source: "organisation", Record: n,
	}
	event.Raw = record(&event)
	sentence := name + " called " + operation + " on " + bucket.ID
	s := finding.Signal{UID: fmt.Sprintf("signal-%08d", n), Rule: rule, Time: at, Event: event, Subject: name, Sentence: sentence, Matches: []finding.Match{{Field: "eventName", Value: operation, Test: "detection.selection: eventName = '" + operation + "'"}}}
	return finding.Alert{
		UID: finding.UID("alert", fmt.Sprint("crowd", n)), Title: rule.Title, Sentence: sentence, Severity: levels[c.random.IntN(len(levels))], Promotion: "level", Rule: rule, First: at, Last: at, Count: 1,
		Signals: []finding.Signal{s}, EventUIDs: []string{event.UID}, Entities: []finding.Entity{who, bucket, {Type: "ip", ID: event.SrcIP}, {Type: "access_key", ID: event.AccessKey}}, Score: 20 + float64(c.random.IntN(80)),
		Parts: []finding.Part{{Reason: "a rule of level medium", Points: 20}}, Account: account, Accounts: []string{account}, Origin: who,
	}
}

// record is a CloudTrail record of about 1 KB.
func record(c *finding.Card) json.RawMessage {
	out, err := json.Marshal(map[string]any{
		"eventVersion": "1.11", "eventID": c.UID, "eventTime": c.Time, "eventName": c.Operation, "eventSource": c.Service, "awsRegion": c.Region, "sourceIPAddress": c.SrcIP, "userAgent": c.UserAgent,
		"userIdentity": map[string]any{"type": "IAMUser", "arn": c.Principal, "accountId": c.Account, "accessKeyId": c.AccessKey}, "requestParameters": map[string]any{"note": strings.Repeat("x", 500)}, "recipientAccountId": c.Account,
	})
	if err != nil {
		panic(err)
	}
	return out
}
