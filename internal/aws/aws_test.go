package aws

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestReadPolicy(t *testing.T) {
	doc := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	cases := []struct {
		name, doc string
		want      Grant
	}{
		{"administrator", doc(`{"Effect":"Allow","Action":"*","Resource":"*"}`), Grant{Admin: true, Privileged: true}},
		{"one statement that is no list", `{"Statement":{"Effect":"Allow","Action":["*"],"Resource":["*"]}}`, Grant{Admin: true, Privileged: true}},
		{"pass any role", doc(`{"Effect":"Allow","Action":["ec2:RunInstances","iam:PassRole"],"Resource":"*"}`), Grant{Privileged: true}},
		{"pass one role", doc(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/x"}`), Grant{}},
		{"read only", doc(`{"Effect":"Allow","Action":["s3:Get*"],"Resource":"*"}`), Grant{}},
		{"public bucket", doc(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`), Grant{Public: true}},
		{"public, for one endpoint", doc(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}}`), Grant{}},
		{"public, but not from one endpoint", doc(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}`), Grant{Public: true}},
		{"public from one network", doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`), Grant{}},
		{"public from everywhere", doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/0"]}}}`), Grant{Public: true}},
		{"trust of another account", doc(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root","777788889999"]},"Action":"sts:AssumeRole"}`), Grant{Accounts: []string{"444455556666", "777788889999"}, External: true}},
		{"trust of a service", doc(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`), Grant{Services: []string{"ec2.amazonaws.com"}}},
		{"trust of a provider", doc(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/x"},"Action":"sts:AssumeRoleWithWebIdentity"}`), Grant{Federated: []string{"arn:aws:iam::111122223333:oidc-provider/x"}}},
		{"lock-out", doc(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), Grant{DenyAll: true}},
		{"deny without TLS", doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), Grant{}},
		{"wrong types", doc(`{"Effect":"Allow","Action":7,"Resource":{"a":1},"Principal":[1]}`), Grant{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ReadPolicy(c.doc)
			if !ok {
				t.Fatal("not read as a policy document")
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got, ok := ReadPolicy("%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D"); !ok || !got.Admin {
		t.Error("a URL-encoded document is not read")
	}
	for _, bad := range []string{"", "x", "{}", `{"Statement":[]}`, strings.Repeat("[", 100_000), strings.Repeat("x", maxPolicy+1)} {
		if _, ok := ReadPolicy(bad); ok {
			t.Errorf("%.20q was read as a policy", bad)
		}
	}
}

func FuzzReadPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)
	f.Fuzz(func(_ *testing.T, s string) { ReadPolicy(s) })
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{{"a*c", "abbc", true}, {"a*c", "abb", false}, {"*", "", true}, {"*role/ci-*", "arn:aws:iam::1:role/ci-x", true}, {"a", "a", true}, {"a", "ab", false}, {"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false}} {
		if got := Glob(c.pattern, c.s); got != c.want {
			t.Errorf("Glob(%q, %q) = %t", c.pattern, c.s, got)
		}
	}
}

func TestARN(t *testing.T) {
	role, session, ok := RoleOf("arn:aws:sts::111122223333:assumed-role/admin/alice")
	if role != "admin" || session != "alice" || !ok {
		t.Error(role, session, ok)
	}
	if _, ok := ParseARN("arn:aws:iam"); ok {
		t.Error("half an ARN was read")
	}
	if admin, _ := ManagedPolicy("arn:aws:iam::111122223333:policy/AdministratorAccess"); admin {
		t.Error("a customer's policy is not AWS's by its name")
	}
}
