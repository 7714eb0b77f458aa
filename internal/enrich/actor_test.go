package enrich

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
)

// plain reads records as they are: enough of a mapping for facts.
var plain = (&ocsf.Mapping{Name: "cloudtrail", Class: func(*ocsf.Event) (int, int) { return 6003, 99 }, Rows: []ocsf.Row{
	{Field: ocsf.CloudAccountUID, From: "recipientAccountId"}, {Field: ocsf.CloudRegion, From: "awsRegion"}, {Field: ocsf.ResourceUID, From: "resources.ARN"},
}}).Compile()

type obj = map[string]any

// each calls do for every record, decoded.
func each(t *testing.T, list []obj, do func(e *ocsf.Event)) {
	t.Helper()
	var text strings.Builder
	for _, r := range list {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(raw)
		text.WriteByte('\n')
	}
	shape := ocsf.Shape{Mapping: plain, Check: func(e *ocsf.Event) *ocsf.Unreadable {
		e.Millis = asked.UnixMilli()
		if t, err := time.Parse(time.RFC3339, e.Text(eventTime)); err == nil {
			e.Millis = t.UnixMilli()
		}
		return nil
	}}
	err := ocsf.NewDecoder(shape, records.Limits{}).Decode(context.Background(), strings.NewReader(text.String()), "test", ocsf.Sink{
		Event:      func(e *ocsf.Event) error { do(e); return nil },
		Unreadable: func(u ocsf.Unreadable) error { t.Fatal(u); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

const own, foreign = "111122223333", "444455556666"

func role(account, name, session, key string) obj {
	return obj{
		"type": "AssumedRole", "arn": "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session, "accountId": account, "accessKeyId": key,
		"sessionContext": obj{"sessionIssuer": obj{"type": "Role", "arn": "arn:aws:iam::" + account + ":role/" + name}},
	}
}

func user(account, name string) obj {
	return obj{"type": "IAMUser", "arn": "arn:aws:iam::" + account + ":user/" + name, "accountId": account, "userName": name, "accessKeyId": "AKIA" + name}
}

func call(who obj, more ...obj) obj {
	r := obj{"userIdentity": who, "eventSource": "ec2.amazonaws.com", "eventName": "DescribeVpcs", "recipientAccountId": own, "sourceIPAddress": "198.51.100.7"}
	for _, m := range more {
		for k, v := range m {
			r[k] = v
		}
	}
	return r
}

func assume(who, to obj) obj {
	return call(who, obj{"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "responseElements": obj{"credentials": obj{"accessKeyId": to["accessKeyId"]}, "assumedRoleUser": obj{"arn": to["arn"]}}})
}

// eventTime is what a record says of when it was; without it, it was when it is asked about.
var eventTime = ocsf.ParsePath("eventTime")

// makes is that a role is made, so long before what is asked about.
func makes(who obj, role string, before time.Duration) obj {
	return call(who, obj{"eventSource": "iam.amazonaws.com", "eventName": "CreateRole", "requestParameters": obj{"roleName": role}, "eventTime": asked.Add(-before).Format(time.RFC3339)})
}

func refused(call obj) obj {
	call["errorCode"] = "AccessDenied"
	return call
}

// asked is when the calls of TestActor are made.
var asked = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestActor(t *testing.T) {
	hop1, hop2 := role(own, "jump", "a", "ASIA1"), role(own, "admin", "b", "ASIA2")
	delivered := role(own, "web", "i-0123456789abcdef0", "ASIA3")
	delivered["sessionContext"].(obj)["ec2RoleDelivery"] = "2.0"
	task := role(own, "web", "0f9de17a6465404e8b1b2356dc13c2f8", "ASIA6")
	task["inScopeOf"] = obj{"issuerType": "AWS::ECS::Task", "credentialsIssuedTo": "arn:aws:ecs:eu-west-1:" + own + ":task/web/0f9de17a6465404e8b1b2356dc13c2f8"}
	linked := role(own, "AWSServiceRoleForX", "s", "ASIA4")
	linked["sessionContext"].(obj)["sessionIssuer"].(obj)["arn"] = "arn:aws:iam::" + own + ":role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
	ci := role(own, "deploy", "GitHubActions", "ASIA5")
	token := obj{"type": "WebIdentityUser", "userName": "repo:a/b:ref:refs/heads/main", "identityProvider": "arn:aws:iam::" + own + ":oidc-provider/token.actions.githubusercontent.com"}
	job := token["identityProvider"].(string) + ":" + token["userName"].(string)
	cases := []struct {
		name                string
		records             []obj // the last is asked about
		kind, proof, origin string
	}{
		{"user", []obj{call(user(own, "alice"))}, KindUser, ProofAWS, "arn:aws:iam::" + own + ":user/alice"},
		{"root", []obj{call(obj{"type": "Root", "accountId": own, "arn": "arn:aws:iam::" + own + ":root"})}, KindRoot, ProofAWS, "arn:aws:iam::" + own + ":root"},
		{"single sign-on", []obj{call(role(own, "AWSReservedSSO_Admin_1", "a@example.org", "ASIA9"))}, KindPerson, ProofAWS, "person:a@example.org"},
		{"a chain of two roles", []obj{assume(user(own, "alice"), hop1), assume(hop1, hop2), call(hop2)}, KindUser, ProofAWS, "arn:aws:iam::" + own + ":user/alice"},
		{"role of nobody known", []obj{call(role(own, "admin", "x", "ASIA8"))}, KindRole, ProofNone, "arn:aws:sts::" + own + ":assumed-role/admin/x"},
		{"instance", []obj{call(delivered)}, KindWorkload, ProofAWS, "arn:aws:sts::" + own + ":assumed-role/web/i-0123456789abcdef0"},
		{"container", []obj{call(task)}, KindWorkload, ProofAWS, "arn:aws:sts::" + own + ":assumed-role/web/0f9de17a6465404e8b1b2356dc13c2f8"},
		{"a session that only calls itself an instance", []obj{call(role(own, "web", "i-0123456789abcdef0", "ASIA7"))}, KindWorkload, ProofClaimed, "arn:aws:sts::" + own + ":assumed-role/web/i-0123456789abcdef0"},
		{"a job that takes a role", []obj{assume(token, ci), assume(ci, hop1), call(hop1)}, KindAutomation, ProofAWS, job},
		{"a job that takes a role which it made", []obj{assume(token, ci), makes(ci, "jump", 0), assume(ci, hop1), assume(hop1, hop2), call(hop2)}, KindRole, ProofAWS, job},
		{"a job that takes a role which somebody else made", []obj{assume(token, ci), makes(user(own, "alice"), "jump", 0), assume(ci, hop1), call(hop1)}, KindAutomation, ProofAWS, job},
		{"a job that takes a role which it made two days ago", []obj{assume(token, ci), makes(ci, "jump", 48*time.Hour), assume(ci, hop1), call(hop1)}, KindAutomation, ProofAWS, job},
		{"a job that was refused the role that it takes", []obj{assume(token, ci), refused(makes(ci, "jump", 0)), assume(ci, hop1), call(hop1)}, KindAutomation, ProofAWS, job},
		{"a job that makes a role and goes on as before", []obj{assume(token, ci), makes(ci, "jump", 0), call(ci)}, KindAutomation, ProofAWS, job},
		{"service", []obj{call(obj{"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"})}, KindService, ProofAWS, "autoscaling.amazonaws.com"},
		{"service-linked role", []obj{call(linked)}, KindServiceLinked, ProofAWS, "arn:aws:iam::" + own + ":role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"},
		{"build system", []obj{assume(token, ci), call(ci)}, KindAutomation, ProofAWS, "arn:aws:iam::" + own + ":oidc-provider/token.actions.githubusercontent.com:repo:a/b:ref:refs/heads/main"},
		{"another account's user", []obj{call(user(foreign, "mallory"))}, KindExternal, ProofAWS, "arn:aws:iam::" + foreign + ":user/mallory"},
		{"anonymous", []obj{call(obj{"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"})}, KindAnonymous, ProofAWS, "anonymous"},
		{"nothing at all", []obj{call(obj{})}, KindUnknown, ProofNone, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			last := c.records[len(c.records)-1]
			for range 2 { // a record that is read late changes nothing
				survey, late := &Survey{}, &Survey{}
				each(t, c.records[:1], late.Add)
				each(t, c.records[1:], survey.Add)
				survey.Merge(late)
				judge := NewJudge(survey, nil, nil)
				each(t, []obj{last}, func(e *ocsf.Event) {
					var f Facts
					f.Reset(judge, e)
					a := f.Actor()
					if a.Kind != c.kind || a.Proof != c.proof || a.Origin != c.origin {
						t.Errorf("got %s by %s from %q, want %s by %s from %q", a.Kind, a.Proof, a.Origin, c.kind, c.proof, c.origin)
					}
					if c.kind != KindService && c.kind != KindAnonymous && c.kind != KindServiceLinked && c.kind != KindUnknown {
						if got := judge.Resolve(Handle(e)); got != c.origin {
							t.Errorf("the habit's origin is %q, want %q", got, c.origin)
						}
					}
				})
				slices.Reverse(c.records)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	trust := func(account string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"sts:AssumeRole"}]}`
	}
	cases := []struct {
		name, operation string
		request         obj
		fact, want      string
	}{
		{"snapshot for a stranger", "ModifySnapshotAttribute", obj{"createVolumePermission": obj{"add": obj{"items": []any{obj{"userId": foreign}}}}}, "tocsin.target.external", foreign},
		{"snapshot for ourselves", "ModifySnapshotAttribute", obj{"createVolumePermission": obj{"add": obj{"items": []any{obj{"userId": own}}}}}, "tocsin.target.external", ""},
		{"snapshot for all", "ModifySnapshotAttribute", obj{"createVolumePermission": obj{"add": obj{"items": []any{obj{"group": "all"}}}}}, "tocsin.target.public", "true"},
		{"database snapshot", "ModifyDBSnapshotAttribute", obj{"attributeName": "restore", "valuesToAdd": []any{foreign}}, "tocsin.target.external", foreign},
		{"trust", "UpdateAssumeRolePolicy", obj{"policyDocument": trust(foreign)}, "tocsin.target.external", foreign},
		{"administrator", "AttachUserPolicy", obj{"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "tocsin.policy.admin", "true"},
		{"port 22 to the world", "AuthorizeSecurityGroupIngress", obj{"ipPermissions": obj{"items": []any{obj{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": obj{"items": []any{obj{"cidrIp": "0.0.0.0/0"}}}}}}}, "tocsin.ingress.world_ports", "22"},
		{"port 22 to one address", "AuthorizeSecurityGroupIngress", obj{"ipPermissions": obj{"items": []any{obj{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": obj{"items": []any{obj{"cidrIp": "203.0.113.5/32"}}}}}}}, "tocsin.ingress.world_ports", ""},
		{"everything over IPv6", "AuthorizeSecurityGroupIngress", obj{"ipPermissions": obj{"items": []any{obj{"ipProtocol": "-1", "ipv6Ranges": obj{"items": []any{obj{"cidrIpv6": "::/0"}}}}}}}, "tocsin.ingress.world_ports", "all"},
		{"function for anyone of one source", "AddPermission20150331v2", obj{"principal": "*", "sourceArn": "arn:aws:s3:::b"}, "tocsin.target.public", ""},
		{"function for anyone", "AddPermission20150331v2", obj{"principal": "*"}, "tocsin.target.public", "true"},
		{"wrong types", "ModifySnapshotAttribute", obj{"createVolumePermission": []any{1, "a", nil, obj{"add": 7}}}, "tocsin.target.external", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			survey := &Survey{}
			list := []obj{call(user(own, "alice"), obj{"eventName": c.operation, "requestParameters": c.request})}
			each(t, list, survey.Add)
			judge := NewJudge(survey, nil, nil)
			id, ok := FactByName(c.fact)
			if !ok {
				t.Fatal("no such fact")
			}
			each(t, list, func(e *ocsf.Event) {
				var f Facts
				f.Reset(judge, e)
				got := ""
				for _, v := range f.Values(id, nil) {
					got += v.Str
				}
				if got != c.want {
					t.Errorf("%s is %q, want %q", c.fact, got, c.want)
				}
			})
		})
	}
}

func TestEnvironmentIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"acounts: []\n":                      "unknown",
		"accounts: [{id: 12}]\n":             "is not 12 digits",
		"networks: [{cidr: 300.1.1.1/8}]\n":  "is no range",
		"automation_roles: [{arn: \"*\"}]\n": "means everyone",
		"scanners: [{arn: bob}]\n":           "is no ARN",
	} {
		if _, err := ParseEnvironment([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want a message with %q", text, err, want)
		}
	}
	if _, err := ParseEnvironment(nil); err != nil {
		t.Error("an empty file is an empty environment:", err)
	}
}
