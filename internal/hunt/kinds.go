package hunt

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is one kind of entity. A kind is named by places of an event: a place is a column or an expression over the table events.
type Kind struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Places []Place `json:"places"`
	Ties   string  `json:"ties"` // how it is tied to who acted: "comes from"
}

// Place is where events name an entity.
type Place struct {
	SQL  string `json:"sql"`            // an expression of text; NULL where the event names none
	Path string `json:"path"`           // the same as an OCSF path, or one of our pivot columns
	Fast bool   `json:"fast,omitempty"` // a top-level column with a bloom filter
	Only string `json:"only,omitempty"` // the place names other kinds as well: this one where the condition holds
}

// Kinds of entities that are not read from a column but from the network of the address.
const (
	kindASN     = "asn"
	kindCountry = "country"
)

// member is an expression for a text in the request or the response of a call. What is no JSON has no members.
func member(of, path string) Place {
	column := "api." + of + ".data"
	return Place{SQL: fmt.Sprintf("CASE WHEN json_valid(%s) THEN json_extract_string(%s, '$.%s') END", column, column, path), Path: column + " → " + path}
}

func pivot(column string) Place { return Place{SQL: column, Path: column, Fast: true} }

func path(p string) Place { return Place{SQL: p, Path: p} }

// named says that the first resource of a call is of a kind where its id looks so.
func named(patterns ...string) Place {
	var any []string
	for _, p := range patterns {
		any = append(any, "resource LIKE '"+p+"'")
	}
	return Place{SQL: "resource", Path: "resource", Fast: true, Only: "(" + strings.Join(any, " OR ") + ")"}
}

// byService says that the first resource of a call is of a kind where the service is the kind's own and the id is a plain name.
func byService(service string) Place {
	return Place{SQL: "resource", Path: "resource", Fast: true, Only: "(api.service.name = '" + service + "' AND resource NOT LIKE 'arn:%')"}
}

// objectPrefix is bucket and key up to the last slash.
const objectPrefix = `CASE WHEN json_valid(api.request.data) AND contains(json_extract_string(api.request.data, '$.key'), '/') ` +
	`THEN json_extract_string(api.request.data, '$.bucketName') || '/' || regexp_replace(json_extract_string(api.request.data, '$.key'), '[^/]*$', '') END`

// kinds is the table of entities, in the order in which a person asks for them.
var kinds = []Kind{
	{"origin", "who stands at the start of a role chain", []Place{pivot("origin")}, "is"},
	{"principal", "who called, as the record says", []Place{pivot("principal")}, "acts as"},
	{"session", "a role session", []Place{pivot("session"), member("response", "assumedRoleUser.arn")}, "acts in"},
	{"access_key", "an access key", []Place{pivot("access_key"), member("response", "accessKey.accessKeyId"), member("response", "credentials.accessKeyId"), member("request", "accessKeyId")}, "holds"},
	{"account", "an AWS account", []Place{pivot("account"), path("actor.user.account.uid")}, "acts in"},
	{"ip", "an address", []Place{pivot("src_ip"), path("dst_endpoint.ip")}, "comes from"},
	{kindASN, "a network, by its number", nil, "comes from"},
	{kindCountry, "a country, where the address is registered", nil, "comes from"},
	{"user_agent", "a program, as it calls itself", []Place{path("http_request.user_agent")}, "uses"},
	{"instance", "a machine", []Place{named("i-%"), path("src_endpoint.instance_uid"), path("dst_endpoint.instance_uid"), member("request", "instanceId"), member("response", "instancesSet.items[0].instanceId")}, "touches"},
	{"user", "an IAM user", []Place{named("arn:%:iam::%:user/%")}, "touches"},
	{"role", "an IAM role", []Place{named("arn:%:iam::%:role/%"), member("request", "roleArn"), path("actor.session.issuer")}, "touches"},
	{"policy", "an IAM policy", []Place{named("arn:%:policy/%"), member("request", "policyArn")}, "gives or takes"},
	{"bucket", "an S3 bucket", []Place{byService("s3.amazonaws.com"), named("arn:%:s3:::%"), member("request", "bucketName")}, "touches"},
	{"object_prefix", "a folder of objects: bucket/prefix/", []Place{{SQL: objectPrefix, Path: "api.request.data → bucketName, key"}}, "touches"},
	{"function", "a Lambda function", []Place{named("arn:%:lambda:%"), member("request", "functionName")}, "touches"},
	{"key", "a KMS key", []Place{named("arn:%:kms:%"), member("request", "keyId")}, "touches"},
	{"secret", "a secret", []Place{named("arn:%:secretsmanager:%"), member("request", "secretId")}, "touches"},
	{"image", "a machine image", []Place{named("ami-%"), member("request", "imageId")}, "touches"},
	{"snapshot", "a snapshot", []Place{named("snap-%"), member("request", "snapshotId"), member("request", "dBSnapshotIdentifier")}, "touches"},
	{"security_group", "a security group", []Place{named("sg-%"), member("request", "groupId")}, "touches"},
	{"trail", "a CloudTrail trail", []Place{named("arn:%:cloudtrail:%"), byService("cloudtrail.amazonaws.com")}, "touches"},
	{"domain", "a name that was asked for or called", []Place{path("query.hostname"), path("http_request.url.hostname"), path("src_endpoint.domain")}, "asks for"},
	{"resource", "anything else that a call names", []Place{pivot("resource")}, "touches"},
}

// Kinds lists the kinds of entities.
func Kinds() []Kind { return slices.Clone(kinds) }

// kindOf finds a kind by its name.
func kindOf(name string) (*Kind, bool) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return nil, false
	}
	return &kinds[i], true
}

// MistakeError is a question that the person who asks can mend.
type MistakeError struct{ Text string }

// Error says what is amiss.
func (e MistakeError) Error() string { return e.Text }

func unknownKind(name string) error {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return MistakeError{fmt.Sprintf("%.40q is no kind of entity; there are %s", name, strings.Join(names, ", "))}
}

// fast is a condition that lets the events through that name an entity in a column with a bloom filter; "" where the kind has none.
// Where addresses stand for the entity they are given.
func (k *Kind) fast(q *question, value string, addresses []string) string {
	if k.Places == nil {
		return among(q, "src_ip", addresses)
	}
	var any []string
	for _, place := range k.Places {
		if test := place.SQL + " = " + q.arg(value); place.Fast && !slices.Contains(any, test) {
			any = append(any, test)
		}
	}
	return strings.Join(any, " OR ")
}

// whole is a condition that lets all events through that name an entity. It has to read the calls' requests and responses.
func (k *Kind) whole(q *question, value string, addresses []string) string {
	if k.Places == nil {
		return among(q, "src_ip", addresses)
	}
	p := q.arg(value)
	var any []string
	for _, place := range k.Places {
		if test := "(" + place.SQL + ") = " + p; !slices.Contains(any, test) {
			any = append(any, test)
		}
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// among is a condition on a column: one of some values. None lets nothing through.
func among(q *question, column string, values []string) string {
	if len(values) == 0 {
		return "false"
	}
	var list []string
	for _, v := range values {
		list = append(list, q.arg(v))
	}
	return column + " IN (" + strings.Join(list, ", ") + ")"
}
