package ocsf

// SchemaVersion is the version of OCSF that events and findings are written in.
const SchemaVersion = "1.8.0"

// The OCSF attributes that are mapped, asked for by enrichment or shown. The list is checked in: an attribute enters it
// when a mapping, a rule or a screen uses it.
const (
	Time FieldID = iota
	MetadataUID
	MetadataEventCode
	MetadataProductName
	MetadataProductVendor
	MetadataProductVersion
	MetadataProductFeature
	MetadataOriginalTime
	SeverityID
	StatusID
	StatusCode
	StatusDetail
	CloudProvider
	CloudRegion
	CloudAccountUID
	APIOperation
	APIServiceName
	APIVersion
	APIRequestUID
	APIRequestData
	APIResponseData
	APIResponseError
	APIResponseMessage
	SrcIP
	SrcDomain
	SrcUID
	UserAgent
	ActorUserType
	ActorUserTypeID
	ActorUserName
	ActorUserUID
	ActorUserUIDAlt
	ActorUserAccountUID
	ActorUserCredentialUID
	ActorSessionIssuer
	ActorSessionCreated
	ActorSessionMFA
	ActorInvokedBy
	ActorIdpName
	ResourceUID
	ResourceType
	ResourceOwnerAccount
	TLSVersion
	TLSCipher
	TLSSNI
	UserName
	UserUID
	IsMFA
	DstServiceName
	ActorIdpUID
	FindingUID
	FindingTitle
	FindingTypes
	// Of networks: flows, names, web requests.
	MetadataFeatureUID
	MetadataLabels
	CloudZone
	StartTime
	EndTime
	ActionID
	Action
	DispositionID
	SrcPort
	SrcVPC
	SrcSubnet
	SrcInterface
	SrcInstance
	SrcServiceName
	SrcCountry
	SrcIntermediateIPs
	DstIP
	DstPort
	DstDomain
	DstVPC
	DstSubnet
	DstInterface
	DstInstance
	DstIntermediateIPs
	ProtocolNumber
	ProtocolName
	ProtocolVersionID
	DirectionID
	BoundaryID
	TCPFlags
	TrafficBytes
	TrafficPackets
	QueryHostname
	QueryType
	QueryClass
	Answers
	Rcode
	RcodeID
	FirewallRuleUID
	FirewallRuleType
	FirewallRuleCondition
	FirewallRuleLocation
	FirewallRuleDetails
	HTTPMethod
	HTTPVersion
	HTTPRequestUID
	HTTPReferrer
	HTTPArgs
	HTTPRequestLength
	HTTPHeaders
	XForwardedFor
	URLString
	URLScheme
	URLHostname
	URLPort
	URLPath
	URLQuery
	HTTPResponseCode
	HTTPResponseLength
	LoadBalancerUID
	LoadBalancerCode
	LoadBalancerError
	LoadBalancerClassification
	numFields
)

var fieldPaths = [numFields]string{ //nolint:gosec // paths, no credentials
	Time: "time", MetadataUID: "metadata.uid", MetadataEventCode: "metadata.event_code",
	MetadataProductName: "metadata.product.name", MetadataProductVendor: "metadata.product.vendor_name",
	MetadataProductVersion: "metadata.product.version", MetadataProductFeature: "metadata.product.feature.name",
	MetadataOriginalTime: "metadata.original_time", SeverityID: "severity_id", StatusID: "status_id", StatusCode: "status_code", StatusDetail: "status_detail",
	CloudProvider: "cloud.provider", CloudRegion: "cloud.region", CloudAccountUID: "cloud.account.uid",
	APIOperation: "api.operation", APIServiceName: "api.service.name", APIVersion: "api.version", APIRequestUID: "api.request.uid",
	APIRequestData: "api.request.data", APIResponseData: "api.response.data", APIResponseError: "api.response.error", APIResponseMessage: "api.response.message",
	SrcIP: "src_endpoint.ip", SrcDomain: "src_endpoint.domain", SrcUID: "src_endpoint.uid", UserAgent: "http_request.user_agent",
	ActorUserType: "actor.user.type", ActorUserTypeID: "actor.user.type_id", ActorUserName: "actor.user.name", ActorUserUID: "actor.user.uid",
	ActorUserUIDAlt: "actor.user.uid_alt", ActorUserAccountUID: "actor.user.account.uid", ActorUserCredentialUID: "actor.user.credential_uid",
	ActorSessionIssuer: "actor.session.issuer", ActorSessionCreated: "actor.session.created_time", ActorSessionMFA: "actor.session.is_mfa",
	ActorInvokedBy: "actor.invoked_by", ActorIdpName: "actor.idp.name",
	ResourceUID: "resources.uid", ResourceType: "resources.type", ResourceOwnerAccount: "resources.owner.account.uid",
	TLSVersion: "tls.version", TLSCipher: "tls.cipher", TLSSNI: "tls.sni",
	UserName: "user.name", UserUID: "user.uid", IsMFA: "is_mfa", DstServiceName: "dst_endpoint.svc_name",
	ActorIdpUID: "actor.idp.uid", FindingUID: "finding_info.uid", FindingTitle: "finding_info.title", FindingTypes: "finding_info.types",
	MetadataFeatureUID: "metadata.product.feature.uid", MetadataLabels: "metadata.labels", CloudZone: "cloud.zone", StartTime: "start_time",
	EndTime: "end_time", ActionID: "action_id", Action: "action", DispositionID: "disposition_id", SrcPort: "src_endpoint.port",
	SrcVPC: "src_endpoint.vpc_uid", SrcSubnet: "src_endpoint.subnet_uid", SrcInterface: "src_endpoint.interface_uid", SrcInstance: "src_endpoint.instance_uid",
	SrcServiceName: "src_endpoint.svc_name", SrcCountry: "src_endpoint.location.country", SrcIntermediateIPs: "src_endpoint.intermediate_ips", DstIP: "dst_endpoint.ip",
	DstPort: "dst_endpoint.port", DstDomain: "dst_endpoint.domain", DstVPC: "dst_endpoint.vpc_uid", DstSubnet: "dst_endpoint.subnet_uid",
	DstInterface: "dst_endpoint.interface_uid", DstInstance: "dst_endpoint.instance_uid", DstIntermediateIPs: "dst_endpoint.intermediate_ips", ProtocolNumber: "connection_info.protocol_num",
	ProtocolName: "connection_info.protocol_name", ProtocolVersionID: "connection_info.protocol_ver_id", DirectionID: "connection_info.direction_id", BoundaryID: "connection_info.boundary_id",
	TCPFlags: "connection_info.tcp_flags", TrafficBytes: "traffic.bytes", TrafficPackets: "traffic.packets", QueryHostname: "query.hostname",
	QueryType: "query.type", QueryClass: "query.class", Answers: "answers", Rcode: "rcode",
	RcodeID: "rcode_id", FirewallRuleUID: "firewall_rule.uid", FirewallRuleType: "firewall_rule.type", FirewallRuleCondition: "firewall_rule.condition",
	FirewallRuleLocation: "firewall_rule.match_location", FirewallRuleDetails: "firewall_rule.match_details", HTTPMethod: "http_request.http_method", HTTPVersion: "http_request.version",
	HTTPRequestUID: "http_request.uid", HTTPReferrer: "http_request.referrer", HTTPArgs: "http_request.args", HTTPRequestLength: "http_request.length",
	HTTPHeaders: "http_request.http_headers", XForwardedFor: "http_request.x_forwarded_for", URLString: "http_request.url.url_string", URLScheme: "http_request.url.scheme",
	URLHostname: "http_request.url.hostname", URLPort: "http_request.url.port", URLPath: "http_request.url.path", URLQuery: "http_request.url.query_string",
	HTTPResponseCode: "http_response.code", HTTPResponseLength: "http_response.length", LoadBalancerUID: "load_balancer.uid", LoadBalancerCode: "load_balancer.code",
	LoadBalancerError: "load_balancer.error_message", LoadBalancerClassification: "load_balancer.classification",
}

// String returns the field's OCSF path.
func (f FieldID) String() string { return fieldPaths[f] }

// FieldByPath finds the field of an OCSF path.
func FieldByPath(path string) (FieldID, bool) {
	for i, p := range fieldPaths {
		if p == path {
			return FieldID(i), true //nolint:gosec // below numFields
		}
	}
	return 0, false
}

// Fields lists all mapped fields.
func Fields() []FieldID {
	out := make([]FieldID, numFields)
	for i := range out {
		out[i] = FieldID(i) //nolint:gosec // below numFields
	}
	return out
}
