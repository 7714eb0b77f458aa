package enrich

import (
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The logs of traffic: who acted in them is an address or a machine, or, for S3, an IAM principal or nobody that is known.
var networkFormats = []string{"vpcflow", "resolver", "s3access", "alb", "waf"}

func isNetwork(e *ocsf.Event) bool { return slices.Contains(networkFormats, e.Mapping.Name) }

// flow are members of flow logs that tell whose record it is, whichever end that is.
var flow = struct{ instance, face ocsf.Path }{ocsf.ParsePath("instance-id"), ocsf.ParsePath("interface-id")}

// networkActor is who acted. Flows and names asked for are told of the machine of ours that had them, so that what one machine does is
// one story, however many addresses it is spoken to from; requests of the web are the client's. Only AWS's own ids are proof.
func networkActor(e *ocsf.Event) Actor {
	unknown := Actor{Kind: KindUnknown, Proof: ProofNone, Type: "address"}
	switch e.Mapping.Name {
	case "vpcflow", "resolver":
		for _, id := range [...]string{e.Text(flow.instance), e.Str(ocsf.SrcInstance)} {
			if id != "" {
				return Actor{Kind: KindWorkload, Proof: ProofAWS, Origin: id, Name: "the instance " + id, Type: "instance"}
			}
		}
		if id := e.Text(flow.face); id != "" {
			return Actor{Kind: KindWorkload, Proof: ProofAWS, Origin: id, Name: "the interface " + id, Type: "interface"}
		}
		if vpc := e.Str(ocsf.SrcVPC); vpc != "" { // addresses of VPCs overlap
			unknown.Origin, unknown.Name = vpc+"/"+e.Str(ocsf.SrcIP), e.Str(ocsf.SrcIP)+" in "+vpc
			return unknown
		}
	case "s3access":
		switch requester := e.Str(ocsf.ActorUserUID); requester {
		case "anonymous":
			return Actor{Kind: KindAnonymous, Proof: ProofAWS, Origin: "anonymous", Name: "someone without credentials", Type: "anonymous"}
		default:
			return Actor{Kind: KindUnknown, Proof: ProofNone, Origin: requester, Name: "the canonical user " + requester, Type: "account"}
		}
	}
	unknown.Origin = e.Str(ocsf.SrcIP)
	unknown.Name = unknown.Origin
	return unknown
}

// networkOutcome is what became of it: denied where a rule of the network, the web ACL or S3 refused it.
func networkOutcome(e *ocsf.Event) string {
	switch code := e.Str(ocsf.HTTPResponseCode); {
	case e.Str(ocsf.ActionID) == "2", code == "401", code == "403":
		return "denied"
	case e.Str(ocsf.StatusID) == "2":
		return "error"
	case e.Str(ocsf.StatusID) == "99": // a flow log that says that there is nothing to say
		return ""
	}
	return "success"
}

// networkResources lists what it was about, the first of which is the resource that a search finds it by: the interface of a flow, the
// name that was asked for, the bucket, the load balancer, what the web ACL protects.
func networkResources(e *ocsf.Event) []Resource {
	var out []Resource
	add := func(kind, id string) {
		if id != "" {
			id = strings.Clone(id)
			out = append(out, Resource{Kind: kind, ID: id, Name: aws.LastName(id)})
		}
	}
	switch e.Mapping.Name {
	case "vpcflow":
		add("interface", e.Text(flow.face))
		add("instance", e.Text(flow.instance))
	case "resolver":
		add("domain", e.Str(ocsf.QueryHostname))
		add("instance", e.Str(ocsf.SrcInstance))
		add("vpc", e.Str(ocsf.SrcVPC))
	case "s3access":
		add("bucket", e.Str(ocsf.ResourceUID))
	case "alb":
		add("load_balancer", e.Str(ocsf.LoadBalancerUID))
	case "waf":
		add("web_resource", e.Str(ocsf.SrcUID))
		add("web_acl", e.Str(ocsf.MetadataFeatureUID))
	}
	return out
}
