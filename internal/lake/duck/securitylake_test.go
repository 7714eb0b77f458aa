//go:build cgo

package duck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/format/asff"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/format/eksaudit"
	"github.com/tocsin-security/tocsin/internal/format/resolver"
	"github.com/tocsin-security/tocsin/internal/format/vpcflow"
	"github.com/tocsin-security/tocsin/internal/format/waf"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// ofAnHour is a lake with records of six formats, an hour old, in two Regions.
func ofAnHour(t *testing.T) *lake.Lake {
	t.Helper()
	l, err := lake.Open(t.Context(), filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	stamp := at.Format(time.RFC3339)
	trail := func(n int, region, service, operation, address, more string) string {
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/alice","principalId":"AIDAEXAMPLE","userName":"alice","accountId":"111111111111","accessKeyId":"AIDACKCEVSQ6C2EXAMPLE"},"eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":%q,"sourceIPAddress":%q,"eventID":"00000000-0000-4000-8000-%012d","recipientAccountId":"111111111111"%s}`+"\n",
			stamp, service, operation, region, address, n, more)
	}
	for _, in := range []struct {
		shape ocsf.Shape
		text  string
	}{
		{cloudtrail.Shape(), trail(1, "us-east-1", "iam.amazonaws.com", "ListUsers", "192.0.2.1", `,"eventCategory":"Management","errorCode":"AccessDenied"`) +
			trail(2, "eu-west-1", "ec2.amazonaws.com", "RunInstances", "192.0.2.7", `,"eventCategory":"Management"`) +
			trail(3, "us-east-1", "s3.amazonaws.com", "GetObject", "192.0.2.7", `,"eventCategory":"Data"`) +
			trail(4, "us-east-1", "lambda.amazonaws.com", "Invoke", "192.0.2.7", `,"eventCategory":"Data"`)},
		{vpcflow.Shape(), "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status region flow-direction\n" +
			fmt.Sprintf("5 111111111111 eni-1 192.0.2.1 192.0.2.2 22 443 6 7 840 %[1]d %[2]d REJECT OK us-east-1 ingress\n5 111111111111 eni-1 198.51.100.9 192.0.2.3 40000 443 6 9 900 %[1]d %[2]d ACCEPT OK eu-west-1 ingress\n", at.Unix(), at.Unix()+10)},
		{resolver.Shape(), fmt.Sprintf(`{"version":"1.100000","account_id":"111111111111","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":%[1]q,"query_name":"s3.amazonaws.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcaddr":"172.01.02.03","srcport":"4000","transport":"UDP","srcids":{"instance":"i-1"}}
{"version":"1.100000","account_id":"111111111111","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":%[1]q,"query_name":"nowhere.example.","query_type":"A","query_class":"IN","rcode":"NXDOMAIN","answers":[],"srcaddr":"10.0.0.1","srcport":"4001","transport":"UDP","srcids":{"instance":"i-1"}}
`, stamp)},
		{waf.Shape(), fmt.Sprintf(`{"timestamp":%d,"formatVersion":1,"webaclId":"arn:aws:wafv2:us-east-1:111111111111:regional/webacl/a/1","terminatingRuleId":"managed","terminatingRuleType":"MANAGED_RULE_GROUP","action":"BLOCK","terminatingRuleMatchDetails":[{"conditionType":"REGEX","location":"URI","matchedData":["credentials"]}],"httpSourceName":"ALB","httpSourceId":"app/a/1","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[],"httpRequest":{"clientIp":"100.123.123.123","country":"NL","headers":[{"name":"Host","value":"example.com"}],"uri":"/.aws/credentials","args":"","httpVersion":"HTTP/1.1","httpMethod":"POST","requestId":"r1"}}`+"\n", at.UnixMilli())},
		{asff.Shape(), fmt.Sprintf(`{"SchemaVersion":"2018-10-08","Id":"f1","ProductArn":"arn:aws:securityhub:us-east-1::product/aws/inspector","ProductName":"Inspector","CompanyName":"Amazon","Region":"us-east-1","GeneratorId":"AWSInspector","AwsAccountId":"111111111111","CreatedAt":%[1]q,"UpdatedAt":%[1]q,"FirstObservedAt":%[1]q,"Severity":{"Label":"HIGH","Normalized":70},"Title":"CVE-0000-0000 - openssl","Description":"d","Types":["Software and Configuration Checks/Vulnerabilities/CVE"],"Resources":[{"Type":"AwsEc2Instance","Id":"arn:aws:ec2:us-east-1:111111111111:instance/i-1","Region":"us-east-1"}],"Vulnerabilities":[{"Id":"CVE-0000-0000","Cvss":[{"BaseScore":7.5,"BaseVector":"v","Version":"3.1"}],"VulnerablePackages":[{"Name":"openssl","Version":"1"}]}],"Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}`+"\n", stamp)},
		{eksaudit.Shape(), fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a1","stage":"ResponseComplete","requestURI":"/apis/coordination.k8s.io/v1/","verb":"get","user":{"username":"system:node"},"sourceIPs":["10.0.97.167"],"objectRef":{"resource":"leases","namespace":"kube-system","name":"kube-controller-manager","apiGroup":"coordination.k8s.io","apiVersion":"v1"},"responseStatus":{"code":200},"requestReceivedTimestamp":%[1]q,"stageTimestamp":%[1]q}`+"\n", at.Format("2006-01-02T15:04:05.000000Z"))},
	} {
		w, err := l.NewWriter()
		if err != nil {
			t.Fatal(err)
		}
		err = ocsf.NewDecoder(in.shape, records.Limits{}).Decode(t.Context(), strings.NewReader(in.text), "test", ocsf.Sink{
			Event: func(e *ocsf.Event) error {
				w.Append(lake.Prepare(&lake.Row{Event: e, SrcIP: e.Str(ocsf.SrcIP), Operation: e.Str(ocsf.APIOperation), Lane: lake.LaneLive, Received: at}, at))
				return nil
			},
			Unreadable: func(u ocsf.Unreadable) error { return fmt.Errorf("%s: %s", u.Reason, u.Detail) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(t.Context(), lake.Marks{}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// TestPublishedQueriesOfSecurityLake runs Amazon's example queries as they are published, and counts the rows.
func TestPublishedQueriesOfSecurityLake(t *testing.T) {
	l := ofAnHour(t)
	text, err := os.ReadFile(filepath.Join("testdata", "securitylake.sql"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, part := range strings.Split(string(text), "\n-- ")[3:] {
		name, query, _ := strings.Cut(part, "\n")
		got[name] = len(here(t, access.Everything(), l, query))
	}
	want := map[string]int{}
	expected, err := os.ReadFile(filepath.Join("testdata", "securitylake.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(expected, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNamesOfSecurityLakeAreViewsWithinTheScope(t *testing.T) {
	l := ofAnHour(t)
	name := func(region, source string) string {
		region = strings.ReplaceAll(region, "-", "_")
		return `"amazon_security_lake_glue_db_` + region + `"."amazon_security_lake_table_` + region + "_" + source + `_2_0"`
	}
	one, other := name("us-east-1", "cloud_trail_mgmt"), name("eu-west-1", "cloud_trail_mgmt")
	for _, c := range []struct {
		name  string
		scope access.Scope
		sql   string
		want  string
	}{
		{"one name is the lake of all Regions", access.Everything(), "SELECT count(*) FROM " + one, "2"},
		{"two Regions are two tables", access.Everything(), "SELECT (SELECT string_agg(region) FROM " + one + "), (SELECT string_agg(region) FROM " + other + ")", `"us-east-1" "eu-west-1"`},
		{"another account", access.Accounts("999999999999"), "SELECT count(*) FROM " + one, "0"},
		{"partition columns", access.Accounts("111111111111"), "SELECT min(accountid), min(region), min(eventday) = strftime(min(time_dt), '%Y%m%d') FROM " + one, `"111111111111" "eu-west-1" true`},
		{"data events", access.Everything(), "SELECT (SELECT count(*) FROM " + name("us-east-1", "s3_data") + "), (SELECT count(*) FROM " + name("us-east-1", "lambda_execution") + ")", "1 1"},
		{"Athena's catalog", access.Everything(), "SELECT count(*) FROM awsdatacatalog." + one, "2"},
		{"Athena's catalog in quotes and capitals", access.Everything(), `SELECT count(*) FROM "AwsDataCatalog".` + strings.ToUpper(one), "2"},
		{"the database chosen elsewhere", access.Everything(), "SELECT count(*) FROM amazon_security_lake_table_us_east_1_waf_2_0", "1"},
		{"beside events", access.Everything(), "SELECT count(*) FROM events e JOIN " + one + " l ON e.metadata.uid = l.metadata.uid", "2"},
		{"any_match of none", access.Everything(), "SELECT any_match([1, 2], x -> x = 2), any_match([1], x -> x = 2) FROM " + one + " LIMIT 1", "true false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if rows := here(t, c.scope, l, c.sql); len(rows) != 1 || rows[0] != c.want {
				t.Errorf("got %q, want %s", rows, c.want)
			}
		})
	}
}

// here asks in this process and returns the rows.
func here(t *testing.T, scope access.Scope, l *lake.Lake, text string) []string {
	t.Helper()
	asked, err := plan(t.Context(), scope, l, &Question{SQL: text}, &Answer{})
	if err != nil {
		t.Fatal(err)
	}
	var r request
	if err := json.Unmarshal(asked, &r); err != nil {
		t.Fatal(err)
	}
	var rows []string
	err = served(t.Context(), &r, func(line reply) error {
		if line.Row != nil {
			var cells []string
			for _, c := range line.Row {
				cells = append(cells, string(c))
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return rows
}
