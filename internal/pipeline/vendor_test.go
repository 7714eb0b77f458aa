package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/finding"
	"github.com/tocsin-security/tocsin/internal/incident"
)

// native is a GuardDuty finding as it is exported; more are further members of service.
func native(account, id, kind, updated, user, key, address, more string) string {
	return fmt.Sprintf(`{"schemaVersion":"2.0","accountId":%q,"region":"us-east-1","partition":"aws","id":%q,"arn":"arn:aws:guardduty:us-east-1:%[1]s:detector/d1/finding/%[2]s","type":%[3]q,`+
		`"resource":{"resourceType":"AccessKey","accessKeyDetails":{"accessKeyId":%[6]q,"principalId":"AIDAEXAMPLE","userName":%[5]q,"userType":"IAMUser"}},`+
		`"service":{"serviceName":"guardduty","detectorId":"d1","eventFirstSeen":"2026-03-10T10:00:30Z","eventLastSeen":"2026-03-10T10:02:00Z"%[8]s,`+
		`"action":{"actionType":"AWS_API_CALL","awsApiCallAction":{"api":"ListUsers","serviceName":"iam.amazonaws.com","remoteIpDetails":{"ipAddressV4":%[7]q}}}},`+
		`"severity":8,"createdAt":"2026-03-10T10:05:00Z","updatedAt":%[4]q,"title":"ListUsers was called from a Tor exit node.","description":"d"}`+"\n",
		account, id, kind, updated, user, key, address, more)
}

// hub is the same finding as Security Hub gives it.
func hub(account, id, updated, workflow string) string {
	return fmt.Sprintf(`{"SchemaVersion":"2018-10-08","Id":"arn:aws:guardduty:us-east-1:%[1]s:detector/d1/finding/%[2]s","ProductArn":"arn:aws:securityhub:us-east-1::product/aws/guardduty","ProductName":"GuardDuty","GeneratorId":"g","AwsAccountId":%[1]q,"Region":"us-east-1",`+
		`"Types":["TTPs/Discovery/UnauthorizedAccess:IAMUser-TorIPCaller"],"CreatedAt":"2026-03-10T10:05:00Z","UpdatedAt":%[3]q,"FirstObservedAt":"2026-03-10T10:00:30Z","LastObservedAt":"2026-03-10T10:02:00Z","Severity":{"Label":"HIGH"},"Title":"ListUsers was called from a Tor exit node.","Description":"d","Workflow":{"Status":%[4]q},"RecordState":"ACTIVE",`+
		`"Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:AKIAEXAMPLEALICE0001","Details":{"AwsIamAccessKey":{"PrincipalName":"alice","PrincipalType":"IAMUser","PrincipalId":"AIDAEXAMPLE"}}}]}`+"\n",
		account, id, updated, workflow)
}

const tor = "UnauthorizedAccess:IAMUser/TorIPCaller"

// attack is alice giving administrator rights to bob.
func attack() string {
	alice := map[string]any{"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEALICE0001"}
	return record("01", "05", "AttachUserPolicy", alice, map[string]any{"requestParameters": map[string]any{"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}})
}

func scanOf(t *testing.T, files ...string) *Result {
	t.Helper()
	dir := t.TempDir()
	for i, text := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := collect.List(context.Background(), []string{dir}, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), Files{inv}, Options{Rules: rules(t), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unread) > 0 || len(r.Problems) > 0 {
		t.Fatal(r.Unread, r.Problems)
	}
	return r
}

func reportsOf(alerts []finding.Alert) (out []finding.Alert) {
	for _, a := range alerts {
		if a.Rule.Source != "" {
			out = append(out, a)
		}
	}
	return out
}

// allReports are the alerts on other products' findings, wherever they stand.
func allReports(r *Result) []finding.Alert {
	out := reportsOf(r.Loose)
	for i := range r.Incidents {
		out = append(out, reportsOf(r.Incidents[i].Alerts)...)
	}
	return out
}

func TestAVendorFindingJoinsTheIncidentOfItsBehaviour(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file string
		joined     bool
	}{
		{"same principal", native("111122223333", "f1", tor, "2026-03-10T10:05:00Z", "alice", "AKIAEXAMPLEALICE0002", "203.0.113.9", ""), true},
		{"same principal, by way of Security Hub", hub("111122223333", "f1", "2026-03-10T10:05:00Z", "NEW"), true},
		{"same access key", native("111122223333", "f1", tor, "2026-03-10T10:05:00Z", "", "AKIAEXAMPLEALICE0001", "203.0.113.9", ""), true},
		{"same address", native("111122223333", "f1", tor, "2026-03-10T10:05:00Z", "carol", "AKIAEXAMPLECAROL0001", "198.51.100.7", ""), true},
		{"another account", native("444455556666", "f1", tor, "2026-03-10T10:05:00Z", "alice", "AKIAEXAMPLEALICE0003", "198.51.100.7", ""), false},
		{"another principal elsewhere", native("111122223333", "f1", tor, "2026-03-10T10:05:00Z", "carol", "AKIAEXAMPLECAROL0001", "203.0.113.9", ""), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := scanOf(t, attack(), c.file)
			if n := len(allReports(r)); n != 1 {
				t.Fatalf("%d alerts on the finding, want 1: %v", n, allReports(r))
			}
			ours := slices.IndexFunc(r.Incidents, func(in incident.Incident) bool {
				return slices.ContainsFunc(in.Alerts, func(a finding.Alert) bool { return a.Rule.Source == "" })
			})
			if ours < 0 {
				t.Fatal("the attack is no incident")
			}
			if joined := len(reportsOf(r.Incidents[ours].Alerts)) == 1; joined != c.joined {
				t.Errorf("the finding stands in the attack's incident: %t, want %t; joins %v", joined, c.joined, r.Incidents[ours].Joins)
			}
			a := allReports(r)[0]
			if a.Severity != finding.High || a.Rule.Source != "GuardDuty" || len(a.Rule.Attacks) == 0 || !strings.Contains(a.Sentence, "is reported by GuardDuty: ListUsers was called from a Tor exit node") {
				t.Errorf("alert %+v", a)
			}
		})
	}
}

func TestAnInstanceJoinsAFindingWithOurAlert(t *testing.T) {
	t.Parallel()
	workload := map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLEWEB000001", "sessionContext": map[string]any{"ec2RoleDelivery": "2.0"}}
	call := record("01", "05", "AttachUserPolicy", workload, map[string]any{"requestParameters": map[string]any{"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}})
	file := `{"schemaVersion":"2.0","accountId":"111122223333","region":"us-east-1","partition":"aws","id":"f2","arn":"arn:aws:guardduty:us-east-1:111122223333:detector/d1/finding/f2","type":"Backdoor:EC2/C&CActivity.B","resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0123456789abcdef0"}},"service":{"serviceName":"guardduty","count":3,"action":{"actionType":"NETWORK_CONNECTION","networkConnectionAction":{"connectionDirection":"OUTBOUND","protocol":"TCP","remoteIpDetails":{"ipAddressV4":"203.0.113.66"},"remotePortDetails":{"port":443}}}},"severity":8,"createdAt":"2026-03-10T10:05:00Z","updatedAt":"2026-03-10T10:05:00Z","title":"EC2 instance i-0123456789abcdef0 is talking to a command and control server","description":"d"}`
	r := scanOf(t, call, file)
	if len(r.Incidents) != 1 || len(reportsOf(r.Incidents[0].Alerts)) != 1 {
		t.Fatalf("%d incidents, loose %v", len(r.Incidents), r.Loose)
	}
	if a := reportsOf(r.Incidents[0].Alerts)[0]; a.Count != 3 || a.Origin.ID != "i-0123456789abcdef0" {
		t.Errorf("count %d, origin %v", a.Count, a.Origin)
	}
}

func TestUpdatesOfAFindingAreOneAlert(t *testing.T) {
	t.Parallel()
	first := native("111122223333", "f1", tor, "2026-03-10T10:05:00Z", "alice", "AKIAEXAMPLEALICE0001", "203.0.113.9", `,"count":2`)
	later := native("111122223333", "f1", tor, "2026-03-12T10:05:00Z", "alice", "AKIAEXAMPLEALICE0001", "203.0.113.9", `,"count":9`)
	for name, c := range map[string]struct {
		files  []string
		alerts int
		count  int
		events int
	}{
		"once":                        {[]string{first}, 1, 2, 1},
		"updated two days later":      {[]string{later, first}, 1, 9, 2},
		"the same file twice":         {[]string{first, first}, 1, 2, 1},
		"also by way of Security Hub": {[]string{hub("111122223333", "f1", "2026-03-10T10:20:00Z", "NEW"), later}, 1, 9, 2},
		"archived":                    {[]string{native("111122223333", "f1", tor, "2026-03-13T10:05:00Z", "alice", "AKIAEXAMPLEALICE0001", "203.0.113.9", `,"archived":true`), first}, 0, 0, 0},
		"suppressed":                  {[]string{first, hub("111122223333", "f1", "2026-03-10T11:00:00Z", "SUPPRESSED")}, 0, 0, 0},
		"opened again":                {[]string{hub("111122223333", "f1", "2026-03-10T11:00:00Z", "RESOLVED"), later}, 1, 9, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := allReports(scanOf(t, c.files...))
			if len(got) != c.alerts {
				t.Fatalf("%d alerts, want %d", len(got), c.alerts)
			}
			if c.alerts > 0 && (got[0].Count != c.count || len(got[0].EventUIDs) != c.events || got[0].First.Format("15:04:05") != "10:00:30" || got[0].Last.Format("15:04:05") != "10:02:00") {
				t.Errorf("count %d of %v, from %v to %v; want %d of %d events", got[0].Count, got[0].EventUIDs, got[0].First, got[0].Last, c.count, c.events)
			}
		})
	}
}

// Results of controls are states: they are read, and alert nobody.
func TestControlsDoNotAlert(t *testing.T) {
	t.Parallel()
	control := strings.Replace(hub("111122223333", "f1", "2026-03-10T10:05:00Z", "NEW"), `"Severity"`, `"Compliance":{"Status":"FAILED","SecurityControlId":"IAM.1"},"Severity"`, 1)
	r := scanOf(t, control)
	if n := len(allReports(r)); n != 0 || r.Received.Mapped != 1 {
		t.Errorf("%d alerts of %d events", n, r.Received.Mapped)
	}
}
