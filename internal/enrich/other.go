package enrich

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// isCall tells CloudTrail's records, in whichever form, from those of other logs: only they answer to CloudTrail's names. What other
// logs say is read by OCSF paths.
func isCall(e *ocsf.Event) bool {
	switch e.Mapping.Name {
	case "cloudtrail":
		return true
	case "ocsfjson":
		return !isFinding(e)
	}
	return false
}

// isFinding reports whether the event is what some product concluded, which is no act of anyone.
func isFinding(e *ocsf.Event) bool {
	class, _ := e.Mapping.Class(e)
	return class/1000 == 2
}

// evidence is where OCSF findings keep who acted.
var evidence = struct{ arn, key, name, ip ocsf.Path }{
	ocsf.ParsePath("evidences.actor.user.uid"), ocsf.ParsePath("evidences.actor.user.credential_uid"), ocsf.ParsePath("evidences.actor.user.name"), ocsf.ParsePath("evidences.src_endpoint.ip"),
}

// otherCaller is whom a record of another log names: an IAM principal where it knows one.
func otherCaller(e *ocsf.Event) caller {
	c := caller{ARN: e.Str(ocsf.ActorUserUID), AccessKey: e.Str(ocsf.ActorUserCredentialUID), Name: e.Str(ocsf.ActorUserName), Account: e.Str(ocsf.CloudAccountUID)}
	if e.Mapping.Stored != nil {
		for text, p := range map[*string]ocsf.Path{&c.ARN: evidence.arn, &c.AccessKey: evidence.key, &c.Name: evidence.name} {
			if *text == "" {
				*text = e.Text(p)
			}
		}
	}
	arn, ok := aws.ParseARN(c.ARN)
	if !ok {
		c.ARN = ""
		return c
	}
	c.Account = arn.Account
	switch {
	case strings.HasSuffix(c.ARN, ":root"):
		c.Kind = "Root"
	case strings.Contains(c.ARN, ":user/"):
		c.Kind = "IAMUser"
	case strings.Contains(c.ARN, ":assumed-role/"):
		c.Kind = "AssumedRole"
	case strings.Contains(c.ARN, ":federated-user/"):
		c.Kind = "FederatedUser"
	case strings.Contains(c.ARN, ":role/"):
		c.Kind = "Role"
	}
	return c
}

// otherActor is who acted, by a record that names no IAM principal. ok is false where it names one, or the key of one.
func otherActor(e *ocsf.Event, c caller) (a Actor, ok bool) {
	switch {
	case c.ARN != "" || strings.HasPrefix(c.AccessKey, "ASIA"):
		return a, false
	case isNetwork(e):
		return networkActor(e), true
	}
	return Actor{Kind: KindUnknown, Proof: ProofNone, Origin: c.Name, Name: c.Name, Type: "user"}, true
}

// InstanceID is the id of an EC2 instance in an id, an ARN or the ARN of the role session that the instance has; "" in any other text.
func InstanceID(s string) string {
	if s = aws.LastName(s); instanceSession.MatchString(s) {
		return s
	}
	return ""
}

// address is where an event came from: an address, or the name of a service.
func (f *Facts) address() string {
	if isCall(f.ev) {
		return f.ev.Text(at.source)
	}
	ip := f.ev.Str(ocsf.SrcIP)
	if ip == "" && isFinding(f.ev) && f.ev.Mapping.Stored != nil {
		ip = f.ev.Text(evidence.ip)
	}
	return ip
}

// otherOutcome is Outcome for other logs; "" where the event is no attempt at anything.
func (f *Facts) otherOutcome() string {
	if isNetwork(f.ev) {
		return networkOutcome(f.ev)
	}
	switch {
	case isFinding(f.ev), f.ev.Str(ocsf.APIOperation) == "":
		return ""
	case f.ev.Str(ocsf.StatusID) == "2":
		return "error"
	}
	return "success"
}

// otherResources lists what a record of another log is about.
func (f *Facts) otherResources() []Resource {
	if isNetwork(f.ev) {
		return networkResources(f.ev)
	}
	var out []Resource
	for _, v := range f.ev.Values(ocsf.ResourceUID, nil) {
		if v.Str == "" || len(out) == maxResources || strings.HasPrefix(v.Str, "AWS::IAM::AccessKey:") || strings.HasPrefix(v.Str, "AWS::::Account:") {
			continue
		}
		r := Resource{Kind: "resource", ID: strings.Clone(v.Str), Name: strings.Clone(aws.LastName(v.Str))}
		if instance := InstanceID(v.Str); instance != "" {
			r.Kind, r.ID = "instance", strings.Clone(instance)
		}
		out = append(out, r)
	}
	return out
}
