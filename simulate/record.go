package simulate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// m is a JSON object.
type m = map[string]any

// identity is who calls: the userIdentity of a record, with the address and client that go with it.
type identity struct {
	user   m
	ip     string
	agent  string
	region string
	acc    int
	key    string
}

// world writes records. It has one owner.
type world struct {
	r      *rand.Rand
	now    time.Time
	out    []record
	attack *attackRun // whose events these are, or nil
}

// record is one CloudTrail record before it is packed.
type record struct {
	at      time.Time
	account int
	region  string
	id      string
	body    m
}

func (w *world) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[w.r.IntN(16)]
	}
	return string(b)
}

func (w *world) upper(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[w.r.IntN(len(letters))]
	}
	return string(b)
}

func (w *world) uuid() string {
	h := w.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func (w *world) wait(d time.Duration) { w.now = w.now.Add(d) }

// jitter waits about d.
func (w *world) jitter(d time.Duration) { w.wait(d/2 + time.Duration(w.r.Int64N(int64(d)+1))) }

// readVerbs begin the names of calls that only read.
var readVerbs = []string{"Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Decrypt", "Search", "Query"}

// call writes one record and returns its id. opts are members to add or replace.
func (w *world) call(who identity, service, name string, request, response m, opts ...m) string {
	read := false
	for _, v := range readVerbs {
		read = read || strings.HasPrefix(name, v)
	}
	region := who.region
	if region == "" {
		region = regions[0]
	}
	if service == "iam" || service == "organizations" || service == "account" {
		region = "us-east-1"
	}
	id := w.uuid()
	body := m{
		"eventVersion": "1.11", "userIdentity": who.user, "eventTime": w.now.UTC().Format("2006-01-02T15:04:05Z"), "eventSource": service + ".amazonaws.com", "eventName": name, "awsRegion": region,
		"sourceIPAddress": who.ip, "userAgent": who.agent, "requestParameters": orNull(request), "responseElements": orNull(response), "requestID": w.uuid(), "eventID": id,
		"readOnly": read, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": accounts[who.acc].id, "eventCategory": "Management",
	}
	if !strings.HasSuffix(who.ip, ".amazonaws.com") {
		body["tlsDetails"] = m{"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": service + "." + region + ".amazonaws.com"}
	}
	for _, o := range opts {
		for k, v := range o {
			body[k] = v
		}
	}
	w.out = append(w.out, record{w.now, who.acc, region, id, body})
	if w.attack != nil {
		w.attack.add(id, w.now)
	}
	return id
}

func orNull(x m) any {
	if x == nil {
		return nil
	}
	return x
}

// denied are the members of a refused call.
func denied(who identity, service, name string) m {
	return m{"errorCode": "AccessDenied", "errorMessage": fmt.Sprintf("User: %v is not authorized to perform: %s:%s because no identity-based policy allows the action", who.user["arn"], service, name), "responseElements": nil}
}

// dataEvent are the members of a data event.
var dataEvent = m{"eventCategory": "Data", "managementEvent": false}

// sso is a person's session in an account, as Identity Center opens it.
func (w *world) sso(p *person, acc int) identity {
	id := accounts[acc].id
	role := "AWSReservedSSO_" + p.permission + "_" + fmt.Sprintf("%016x", len(p.permission)*7919+acc)
	key := "ASIA" + w.upper(16)
	principal := "AROA" + strings.ToUpper(role[15:18]) + "EXAMPLE000000" + fmt.Sprint(acc)
	return identity{acc: acc, ip: p.ip, agent: p.tool, key: key, region: regions[0], user: m{
		"type": "AssumedRole", "principalId": principal + ":" + p.name, "arn": "arn:aws:sts::" + id + ":assumed-role/" + role + "/" + p.name, "accountId": id, "accessKeyId": key,
		"sessionContext": m{
			"sessionIssuer": m{"type": "Role", "principalId": principal, "arn": "arn:aws:iam::" + id + ":role/aws-reserved/sso.amazonaws.com/eu-west-1/" + role, "accountId": id, "userName": role},
			"attributes":    m{"creationDate": w.now.UTC().Format("2006-01-02T15:04:05Z"), "mfaAuthenticated": "false"},
		},
	}}
}

// user is an IAM user with a long-term key.
func user(acc int, name, ip, agent string) identity {
	id := accounts[acc].id
	key := "AKIA" + strings.ToUpper((name + "EXAMPLE0000000000")[:16])
	key = strings.NewReplacer("-", "X", ".", "X").Replace(key)
	return identity{acc: acc, ip: ip, agent: agent, key: key, region: regions[0], user: m{"type": "IAMUser", "principalId": "AIDA" + key[4:], "arn": "arn:aws:iam::" + id + ":user/" + name, "accountId": id, "accessKeyId": key, "userName": name}}
}

// instance is the role of an EC2 instance, delivered by the metadata service.
func instance(acc int, role, instanceID, ip string) identity {
	who := roleSession(acc, role, instanceID, "ASIA"+strings.ToUpper((instanceID[2:] + "WORKLOAD00000000")[:16]), ip, sdkJava)
	who.user["sessionContext"].(m)["ec2RoleDelivery"] = "2.0"
	return who
}

func roleSession(acc int, role, session, key, ip, agent string) identity {
	id := accounts[acc].id
	principal := "AROA" + strings.ToUpper((strings.ReplaceAll(role, "-", "") + "EXAMPLE0000000000")[:16])
	return identity{acc: acc, ip: ip, agent: agent, key: key, region: regions[0], user: m{
		"type": "AssumedRole", "principalId": principal + ":" + session, "arn": "arn:aws:sts::" + id + ":assumed-role/" + role + "/" + session, "accountId": id, "accessKeyId": key,
		"sessionContext": m{
			"sessionIssuer": m{"type": "Role", "principalId": principal, "arn": "arn:aws:iam::" + id + ":role/" + role, "accountId": id, "userName": role},
			"attributes":    m{"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"},
		},
	}}
}

// service is AWS itself.
func service(acc int, name string) identity {
	return identity{acc: acc, ip: name, agent: name, region: regions[0], user: m{"type": "AWSService", "invokedBy": name}}
}

// assume obtains a role session for a caller and returns it.
func (w *world) assume(who identity, acc int, role, session string) identity {
	key := "ASIA" + w.upper(16)
	next := roleSession(acc, role, session, key, who.ip, who.agent)
	arn := "arn:aws:iam::" + accounts[acc].id + ":role/" + role
	w.call(who, "sts", "AssumeRole", m{"roleArn": arn, "roleSessionName": session}, m{
		"credentials":     m{"accessKeyId": key, "sessionToken": "", "expiration": w.now.Add(time.Hour).UTC().Format("Jan 2, 2006, 3:04:05 PM")},
		"assumedRoleUser": m{"assumedRoleId": next.user["principalId"], "arn": next.user["arn"]},
	}, m{"resources": []any{m{"accountId": accounts[acc].id, "type": "AWS::IAM::Role", "ARN": arn}}})
	return next
}

// ci opens a session of the build system by its identity provider.
func (w *world) ci(acc int, role, repository string) identity {
	key := "ASIA" + w.upper(16)
	ip := fmt.Sprintf("20.57.%d.%d", w.r.IntN(250), w.r.IntN(250))
	next := roleSession(acc, role, "GitHubActions", key, ip, terraform)
	arn := "arn:aws:iam::" + accounts[acc].id + ":role/" + role
	provider := "arn:aws:iam::" + accounts[acc].id + ":oidc-provider/token.actions.githubusercontent.com"
	sub := "repo:example/" + repository + ":ref:refs/heads/main"
	next.user["sessionContext"].(m)["webIdFederationData"] = m{"federatedProvider": provider, "attributes": m{}}
	w.call(identity{acc: acc, ip: ip, agent: "aws-sdk-nodejs/2.1692.0", user: m{"type": "WebIdentityUser", "principalId": provider + ":sts.amazonaws.com:" + sub, "userName": sub, "identityProvider": provider}},
		"sts", "AssumeRoleWithWebIdentity", m{"roleArn": arn, "roleSessionName": "GitHubActions", "durationSeconds": 3600}, m{
			"credentials": m{"accessKeyId": key, "sessionToken": ""}, "assumedRoleUser": m{"arn": next.user["arn"], "assumedRoleId": next.user["principalId"]}, "subjectFromWebIdentityToken": sub, "provider": provider,
		})
	return next
}
