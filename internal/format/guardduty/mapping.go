package guardduty

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/aws"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from GuardDuty's JSON to OCSF. There is no official one; it follows the official mapping of the same findings
// by way of Security Hub (ocsf/examples, AWS 1.1.0).
var Mapping = (&ocsf.Mapping{
	Name:  "guardduty",
	Title: "Amazon GuardDuty findings",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "updatedAt", Convert: occurred, Note: "epoch milliseconds; createdAt where it is missing"},
		{Field: ocsf.MetadataOriginalTime, From: "updatedAt"},
		{Field: ocsf.MetadataUID, From: "id", Convert: eventID, Note: "id@updatedAt: each update is an event"},
		{Field: ocsf.MetadataProductName, Const: "GuardDuty"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductVersion, From: "schemaVersion"},
		{Field: ocsf.MetadataProductFeature, From: "service.featureName"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudRegion, From: "region"},
		{Field: ocsf.CloudAccountUID, From: "accountId"},
		{Field: ocsf.SeverityID, From: "severity", Convert: severity, Copied: true, Note: "below 4 Low 2, below 7 Medium 3, below 9 High 4, else Critical 5"},
		{Field: ocsf.StatusID, From: "service.archived", Convert: status, Note: "1 New, 5 Archived"},
		{Field: ocsf.Count, From: "service.count"},
		{Field: ocsf.FindingUID, From: "id"},
		{Field: ocsf.FindingUIDAlt, From: "arn"},
		{Field: ocsf.FindingTitle, From: "title"},
		{Field: ocsf.FindingDesc, From: "description"},
		{Field: ocsf.FindingTypes, From: "type"},
		{Field: ocsf.FindingAnalytic, From: "type", Convert: analytic, Note: "4 Learning for AnomalousBehavior, else 1 Rule"},
		{Field: ocsf.FindingCreated, From: "createdAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingModified, From: "updatedAt", Convert: ocsf.Millis},
		{Field: ocsf.FindingFirstSeen, From: "service.eventFirstSeen", Convert: ocsf.Millis},
		{Field: ocsf.FindingLastSeen, From: "service.eventLastSeen", Convert: ocsf.Millis},
		{Field: ocsf.Resources, From: "resource.resourceType", Convert: resources, Copied: true, Note: "access key, instance, buckets, cluster, function, database, in this order"},
		{Field: ocsf.ResourceUID, From: "resource.resourceType", Convert: resourceID, Whole: true, Copied: true, Note: "instance, bucket, cluster, function or database"},
		{Field: ocsf.ResourceType, From: "resource.resourceType", Copied: true},
		{Field: ocsf.Evidences, From: "service.action.actionType", Convert: evidences, Copied: true, Note: "who did what from where, as the action says"},
		{Field: ocsf.ActorUserType, From: "resource.accessKeyDetails.userType", Copied: true},
		{Field: ocsf.ActorUserName, From: "resource.accessKeyDetails.userName", Copied: true},
		{Field: ocsf.ActorUserUID, From: "resource.accessKeyDetails.userName", Convert: actorARN, Whole: true, Copied: true, Note: "the ARN that CloudTrail has for that user or role session"},
		{Field: ocsf.ActorUserUIDAlt, From: "resource.accessKeyDetails.principalId", Copied: true},
		{Field: ocsf.ActorUserAccountUID, From: "accountId", Copied: true},
		{Field: ocsf.ActorUserCredentialUID, From: "resource.accessKeyDetails.accessKeyId", Copied: true},
		{Field: ocsf.SrcIP, From: "service.action.actionType", Convert: remote, Whole: true, Copied: true, Note: "the remote address, where it is the one that acts: not of outbound connections"},
		{Field: ocsf.APIOperation, From: "service.action.awsApiCallAction.api", Convert: operation, Copied: true, Note: "of a Kubernetes call its verb"},
		{Field: ocsf.APIServiceName, From: "service.action.awsApiCallAction.serviceName", Copied: true},
		{Field: ocsf.UserAgent, From: "service.action.awsApiCallAction.userAgent", Copied: true},
	},
}).Compile()

const classDetection = 2004

// class: what was archived is closed, what was never updated is new.
func class(e *ocsf.Event) (uid, activity int) {
	switch {
	case e.Text(archived) == "true":
		return classDetection, 3
	case e.Text(createdAt) == e.Text(updatedAt) || e.Text(updatedAt) == "":
		return classDetection, 1
	}
	return classDetection, 2
}

// The members that conversions look at beside their own.
var (
	createdAt  = ocsf.ParsePath("createdAt")
	updatedAt  = ocsf.ParsePath("updatedAt")
	archived   = ocsf.ParsePath("service.archived")
	account    = ocsf.ParsePath("accountId")
	partition  = ocsf.ParsePath("partition")
	principal  = ocsf.ParsePath("resource.accessKeyDetails.principalId")
	userType   = ocsf.ParsePath("resource.accessKeyDetails.userType")
	kubeVerb   = ocsf.ParsePath("service.action.kubernetesApiCallAction.verb")
	direction  = ocsf.ParsePath("service.action.networkConnectionAction.connectionDirection")
	resourceAt = []ocsf.Path{
		ocsf.ParsePath("resource.instanceDetails.instanceId"), ocsf.ParsePath("resource.s3BucketDetails.arn"), ocsf.ParsePath("resource.eksClusterDetails.arn"),
		ocsf.ParsePath("resource.lambdaDetails.functionArn"), ocsf.ParsePath("resource.rdsDbInstanceDetails.dbInstanceArn"), ocsf.ParsePath("resource.ecsClusterDetails.arn"),
	}
	remotes = []ocsf.Path{
		ocsf.ParsePath("service.action.awsApiCallAction.remoteIpDetails.ipAddressV4"), ocsf.ParsePath("service.action.awsApiCallAction.remoteIpDetails.ipAddressV6"),
		ocsf.ParsePath("service.action.kubernetesApiCallAction.remoteIpDetails.ipAddressV4"), ocsf.ParsePath("service.action.rdsLoginAttemptAction.remoteIpDetails.ipAddressV4"),
		ocsf.ParsePath("service.action.portProbeAction.portProbeDetails.remoteIpDetails.ipAddressV4"), ocsf.ParsePath("service.action.networkConnectionAction.remoteIpDetails.ipAddressV4"),
	}
)

func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }
func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }

func occurred(_ ocsf.Value, e *ocsf.Event) ocsf.Value { return e.Int(e.Millis) }

func eventID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	when := e.Text(updatedAt)
	return e.Join(v.Str, "@", when)
}

func severity(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	n, err := strconv.ParseFloat(v.Str, 64)
	switch {
	case err != nil:
		return number("0")
	case n < 4:
		return number("2")
	case n < 7:
		return number("3")
	case n < 9:
		return number("4")
	}
	return number("5")
}

func status(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if v.Str == "true" {
		return number("5")
	}
	return number("1")
}

func analytic(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	kind := int64(1)
	if strings.Contains(v.Str, "AnomalousBehavior") {
		kind = 4
	}
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		m.Object("")
		m.Text("name", e.Str(ocsf.FindingTypes))
		m.Text("uid", e.Str(ocsf.FindingTypes))
		m.Int("type_id", kind)
	})
}

// actorARN is the principal as CloudTrail names it; "" where GuardDuty does not say enough.
func actorARN(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	arn := aws.PrincipalARN(e.Text(partition), e.Text(account), e.Text(userType), v.Str, e.Text(principal))
	return e.Join(arn[:]...)
}

func operation(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return str(e.Text(kubeVerb))
	}
	return v
}

func remote(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	if e.Text(direction) == "OUTBOUND" {
		return ocsf.Value{}
	}
	for _, p := range remotes {
		if ip := e.Text(p); isIP(ip) {
			return str(ip)
		}
	}
	return ocsf.Value{}
}

func isIP(s string) bool {
	if s == "" {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func resourceID(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	for _, p := range resourceAt {
		if id := e.Text(p); id != "" {
			return str(id)
		}
	}
	return ocsf.Value{}
}

func resources(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		r := e.Doc.Get("resource")
		region := e.Str(ocsf.CloudRegion)
		add := func(kind, uid, name string) {
			if uid == "" && name == "" {
				return
			}
			m.Object("")
			m.Text("type", kind)
			m.Text("uid", uid)
			m.Text("name", name)
			m.Text("region", region)
			m.End()
		}
		m.List("")
		add("AccessKey", ocsf.Words(r, "accessKeyDetails", "accessKeyId"), ocsf.Words(r, "accessKeyDetails", "userName"))
		add("Instance", ocsf.Words(r, "instanceDetails", "instanceId"), "")
		for _, bucket := range r.GetArray("s3BucketDetails") {
			add("S3Bucket", ocsf.Words(bucket, "arn"), ocsf.Words(bucket, "name"))
		}
		for _, named := range [...][4]string{
			{"EKSCluster", "eksClusterDetails", "arn", "name"},
			{"ECSCluster", "ecsClusterDetails", "arn", "name"},
			{"Lambda", "lambdaDetails", "functionArn", "functionName"},
			{"RDSDBInstance", "rdsDbInstanceDetails", "dbInstanceArn", "dbInstanceIdentifier"},
			{"Container", "containerDetails", "id", "name"},
		} {
			at := r.Get(named[1])
			add(named[0], ocsf.Words(at, named[2]), ocsf.Words(at, named[3]))
		}
		pod := r.Get("kubernetesDetails", "kubernetesWorkloadDetails")
		add("KubernetesWorkload", ocsf.Words(pod, "uid"), ocsf.Words(pod, "name"))
	})
}

// evidences writes one evidence: the actor, the call or connection, and the other end.
func evidences(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	return e.Make(func(m *ocsf.Maker, e *ocsf.Event) {
		action := e.Doc.Get("service", "action")
		m.List("")
		m.Object("")
		user(m, e)
		call(m, action)
		connection(m, action)
		if domain := ocsf.Words(action, "dnsRequestAction", "domain"); domain != "" {
			m.Object("query")
			m.Text("hostname", domain)
			m.End()
		}
		if info := e.Doc.Get("service", "additionalInfo"); info != nil && info.Type() == fastjson.TypeObject {
			m.JSON("data", info)
		}
	})
}

func user(m *ocsf.Maker, e *ocsf.Event) {
	uid, name := e.Str(ocsf.ActorUserUID), e.Str(ocsf.ActorUserName)
	if uid == "" && name == "" {
		return
	}
	m.Object("actor")
	m.Object("user")
	m.Text("uid", uid)
	m.Text("name", name)
	m.Text("type", e.Text(userType))
	m.Text("uid_alt", e.Text(principal))
	m.Text("credential_uid", e.Str(ocsf.ActorUserCredentialUID))
	m.End()
	m.End()
}

func call(m *ocsf.Maker, action *fastjson.Value) {
	aws, kube := action.Get("awsApiCallAction"), action.Get("kubernetesApiCallAction")
	switch {
	case ocsf.Words(aws, "api") != "":
		m.Object("api")
		m.Text("operation", ocsf.Words(aws, "api"))
		if service := ocsf.Words(aws, "serviceName"); service != "" {
			m.Object("service")
			m.Text("name", service)
			m.End()
		}
		if code := ocsf.Words(aws, "errorCode"); code != "" {
			m.Object("response")
			m.Text("error", code)
			m.End()
		}
		m.End()
		endpoint(m, "src_endpoint", aws)
	case ocsf.Words(kube, "verb") != "":
		m.Object("api")
		m.Text("operation", ocsf.Words(kube, "verb"))
		m.End()
		endpoint(m, "src_endpoint", kube)
	}
}

func connection(m *ocsf.Maker, action *fastjson.Value) {
	if c := action.Get("networkConnectionAction"); c != nil {
		side := "dst_endpoint"
		if ocsf.Words(c, "connectionDirection") == "INBOUND" {
			side = "src_endpoint"
		}
		m.Object("connection_info")
		switch protocol := ocsf.Words(c, "protocol"); protocol {
		case "TCP":
			m.Text("protocol_name", "tcp")
		case "UDP":
			m.Text("protocol_name", "udp")
		default:
			m.Text("protocol_name", protocol)
		}
		switch ocsf.Words(c, "connectionDirection") {
		case "INBOUND":
			m.Int("direction_id", 1)
		case "OUTBOUND":
			m.Int("direction_id", 2)
		default:
			m.Int("direction_id", 0)
		}
		m.End()
		endpoint(m, side, c)
	}
	if login := action.Get("rdsLoginAttemptAction"); login != nil {
		endpoint(m, "src_endpoint", login)
	}
	if probes := action.GetArray("portProbeAction", "portProbeDetails"); len(probes) > 0 {
		endpoint(m, "src_endpoint", probes[0])
	}
}

// endpoint writes the remote end of an action.
func endpoint(m *ocsf.Maker, name string, action *fastjson.Value) {
	r := action.Get("remoteIpDetails")
	ip := ocsf.Words(r, "ipAddressV4")
	if ip == "" {
		ip = ocsf.Words(r, "ipAddressV6")
	}
	if !isIP(ip) {
		return
	}
	m.Object(name)
	m.Text("ip", ip)
	if port := action.GetInt("remotePortDetails", "port"); port > 0 && port < 1<<16 && name == "dst_endpoint" {
		m.Int("port", int64(port))
	}
	if asn, org := ocsf.Words(r, "organization", "asn"), ocsf.Words(r, "organization", "asnOrg"); asn != "" {
		m.Object("autonomous_system")
		m.Number("number", asn)
		m.Text("name", org)
		m.End()
	}
	if country := ocsf.Words(r, "country", "countryCode"); len(country) == 2 {
		m.Object("location")
		m.Text("country", country)
		m.End()
	}
	m.End()
}
