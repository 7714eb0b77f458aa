package simulate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// found is what GuardDuty says of an attack: a finding of a type, about the calls of one name.
type found struct {
	attack, call string
	kind         string
	severity     float64
	title        string // %s is the user
}

// findings lists what GuardDuty finds of which attack, where it would: types and severities as its user guide has them.
var findings = []found{
	{"help-desk-takeover", "ConsoleLogin", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B", 5, "Successful console logins of %s were seen from places that are far apart."},
	{"help-desk-takeover", "CreateUser", "Persistence:IAMUser/AnomalousBehavior", 5, "%s called APIs that are commonly used in Persistence tactics, in an unusual way."},
	{"instance-credentials", "GetCallerIdentity", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", 8, "Credentials of the instance role %s were used from an address outside of AWS."},
	{"instance-credentials", "GetObject", "Exfiltration:S3/AnomalousBehavior", 8, "%s read objects from a bucket in an unusual way."},
	{"leaked-key-mining", "RunInstances", "Impact:IAMUser/AnomalousBehavior", 8, "%s called APIs that are commonly used in Impact tactics, in an unusual way."},
	{"leaked-key-mining", "", "CryptoCurrency:EC2/BitcoinTool.B!DNS", 8, "An instance looked up a domain name that belongs to cryptocurrency."},
	{"bucket-ransom", "CopyObject", "Impact:S3/AnomalousBehavior.Write", 5, "%s wrote objects to a bucket in an unusual way."},
	{"trust-backdoor", "GetSecretValue", "CredentialAccess:IAMUser/AnomalousBehavior", 5, "%s called APIs that are commonly used in CredentialAccess tactics, in an unusual way."},
	{"mail-fraud", "GetFederationToken", "InitialAccess:IAMUser/AnomalousBehavior", 5, "%s called APIs that are commonly used in InitialAccess tactics, in an unusual way."},
	{"extortion", "DeleteLoginProfile", "Impact:IAMUser/AnomalousBehavior", 8, "%s called APIs that are commonly used in Impact tactics, in an unusual way."},
}

// finding writes a finding about an attack's calls, and where it names none, one about each rented machine's lookup.
func (b *logbook) finding(f *found, records []record, rented map[string]machine, marks map[string]*mark) {
	if f.call == "" {
		for _, x := range b.out {
			if x.place.format != "resolver" {
				continue
			}
			for id, from := range rented {
				if strings.Contains(x.text, id) {
					b.report(f, x.at, x.at, 1, &from, nil, x.mark)
				}
			}
		}
		return
	}
	calls := called(records, f.call)
	if len(calls) > 0 {
		first, last := calls[0], calls[len(calls)-1]
		b.report(f, first.at, last.at, len(calls), &machine{account: first.account, region: first.region}, first, marks[first.id])
	}
}

const iso = "2006-01-02T15:04:05.000Z"

// report writes one finding. It comes some minutes after the last of what it is about.
func (b *logbook) report(f *found, first, last time.Time, count int, where *machine, call *record, of *mark) {
	account := accounts[where.account].id
	updated := last.Add(time.Duration(6+b.r.IntN(6)) * time.Minute).UTC().Format(iso)
	id := hash(f.kind+first.String()+where.id, 32)
	detector := hash("detector"+account+where.region, 32)
	service := m{
		"serviceName": "guardduty", "detectorId": detector, "resourceRole": "TARGET", "count": count, "archived": false,
		"eventFirstSeen": first.UTC().Format(iso), "eventLastSeen": last.UTC().Format(iso), "additionalInfo": m{"type": "default", "value": "{}"},
	}
	title := f.title
	var resource m
	if call != nil {
		title, resource = callReported(f, call, service)
	} else {
		service["resourceRole"] = "ACTOR"
		service["action"] = m{"actionType": "DNS_REQUEST", "dnsRequestAction": m{"domain": poolName, "protocol": "UDP", "blocked": false}}
		resource = m{"resourceType": "Instance", "instanceDetails": m{
			"instanceId": where.id, "instanceState": "running", "availabilityZone": where.region + "a",
			"networkInterfaces": []any{m{"networkInterfaceId": where.eni, "privateIpAddress": where.private, "publicIp": where.public, "vpcId": where.vpc, "subnetId": where.subnet}},
		}}
	}
	text, err := json.Marshal(m{
		"schemaVersion": "2.0", "accountId": account, "region": where.region, "partition": "aws", "id": id, "arn": "arn:aws:guardduty:" + where.region + ":" + account + ":detector/" + detector + "/finding/" + id,
		"type": f.kind, "resource": resource, "service": service, "severity": f.severity, "createdAt": updated, "updatedAt": updated, "title": title, "description": title,
	})
	if err != nil { // never: these are texts and numbers
		return
	}
	at, _ := time.Parse(iso, updated) // as it was written
	b.out = append(b.out, line{place: place{"guardduty", where.account, where.region, "guardduty"}, at: at, text: string(text), id: id + "@" + updated, mark: of})
}

// callReported is what a finding says of a call: who, with which key, from where, on what.
func callReported(f *found, call *record, service m) (title string, resource m) {
	user, _ := call.body["userIdentity"].(m)
	name := fmt.Sprint(user["userName"])
	if session, ok := user["sessionContext"].(m); ok {
		issuer, _ := session["sessionIssuer"].(m)
		name = fmt.Sprint(issuer["userName"])
	}
	key := m{"accessKeyId": user["accessKeyId"], "principalId": user["principalId"], "userType": user["type"], "userName": name}
	resource = m{"resourceType": "AccessKey", "accessKeyDetails": key}
	if request, ok := call.body["requestParameters"].(m); ok && strings.Contains(f.kind, ":S3/") {
		bucket := fmt.Sprint(request["bucketName"])
		resource["resourceType"] = "S3Bucket"
		resource["s3BucketDetails"] = []any{m{"arn": "arn:aws:s3:::" + bucket, "name": bucket, "type": "Destination"}}
	}
	service["action"] = m{"actionType": "AWS_API_CALL", "awsApiCallAction": m{
		"api": call.body["eventName"], "serviceName": call.body["eventSource"], "callerType": "Remote IP", "userAgent": call.body["userAgent"],
		"remoteIpDetails": m{"ipAddressV4": call.body["sourceIPAddress"]},
	}}
	return fmt.Sprintf(f.title, name), resource
}
