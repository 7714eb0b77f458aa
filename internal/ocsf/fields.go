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
	// of findings, inventories and Kubernetes
	ActorUserGroups
	ActorSessionUID
	APIResponseCode
	URLPath
	Count
	ConfidenceScore
	FindingUIDAlt
	FindingDesc
	FindingCreated
	FindingModified
	FindingFirstSeen
	FindingLastSeen
	FindingAnalytic
	FindingURL
	Resources
	Evidences
	ComplianceControl
	ComplianceStandards
	ComplianceRequirements
	ComplianceStatusID
	RemediationDesc
	RemediationReferences
	Vulnerabilities
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
	ActorUserGroups: "actor.user.groups", ActorSessionUID: "actor.session.uid", APIResponseCode: "api.response.code", URLPath: "http_request.url.path",
	Count: "count", ConfidenceScore: "confidence_score",
	FindingUIDAlt: "finding_info.uid_alt", FindingDesc: "finding_info.desc", FindingCreated: "finding_info.created_time", FindingModified: "finding_info.modified_time",
	FindingFirstSeen: "finding_info.first_seen_time", FindingLastSeen: "finding_info.last_seen_time", FindingAnalytic: "finding_info.analytic", FindingURL: "finding_info.src_url",
	Resources: "resources", Evidences: "evidences",
	ComplianceControl: "compliance.control", ComplianceStandards: "compliance.standards", ComplianceRequirements: "compliance.requirements", ComplianceStatusID: "compliance.status_id",
	RemediationDesc: "remediation.desc", RemediationReferences: "remediation.references", Vulnerabilities: "vulnerabilities",
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
