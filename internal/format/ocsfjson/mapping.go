package ocsfjson

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the identity: an OCSF field is read where it stands.
var Mapping = identity().Compile()

func identity() *ocsf.Mapping {
	m := &ocsf.Mapping{Name: "ocsfjson", Title: "OCSF events as JSON", Class: class, Stored: cloudTrail}
	for _, f := range ocsf.Fields() {
		m.Rows = append(m.Rows, ocsf.Row{Field: f, From: f.String()})
	}
	return m
}

func class(e *ocsf.Event) (uid, activity int) {
	return e.Doc.GetInt("class_uid"), e.Doc.GetInt("activity_id")
}

// cloudTrail gives CloudTrail's names for what was a CloudTrail record and is stored as OCSF.
var cloudTrail = &ocsf.Stored{
	Vendor: func(e *ocsf.Event) bool { return strings.EqualFold(e.Str(ocsf.MetadataProductName), "CloudTrail") },
	Record: "raw_data",
	Proof:  []string{"eventSource", "eventName", "eventTime"},
	Rest:   "unmapped",
	Alias: map[string][]string{
		"eventName":                {"api.operation"},
		"eventSource":              {"api.service.name"},
		"eventTime":                {"metadata.original_time", "time_dt"},
		"eventID":                  {"metadata.uid"},
		"eventType":                {"metadata.event_code"},
		"eventVersion":             {"metadata.product.version"},
		"eventCategory":            {"metadata.product.feature.name"},
		"awsRegion":                {"cloud.region"},
		"recipientAccountId":       {"cloud.account.uid"},
		"requestParameters":        {"api.request.data"},
		"responseElements":         {"api.response.data"},
		"errorCode":                {"api.response.error"},
		"errorMessage":             {"api.response.message"},
		"requestID":                {"api.request.uid"},
		"apiVersion":               {"api.version"},
		"sourceIPAddress":          {"src_endpoint.ip", "src_endpoint.domain"},
		"vpcEndpointId":            {"src_endpoint.uid"},
		"userAgent":                {"http_request.user_agent"},
		"userIdentity.type":        {"actor.user.type"},
		"userIdentity.arn":         {"actor.user.uid"},
		"userIdentity.principalId": {"actor.user.uid_alt"},
		"userIdentity.userName":    {"actor.user.name"},
		"userIdentity.accountId":   {"actor.user.account.uid"},
		"userIdentity.accessKeyId": {"actor.user.credential_uid"},
		"userIdentity.invokedBy":   {"actor.invoked_by"},
		"userIdentity.onBehalfOf.identityStoreArn":                          {"actor.idp.uid"},
		"userIdentity.sessionContext.sessionIssuer.arn":                     {"actor.session.issuer"},
		"userIdentity.sessionContext.attributes.mfaAuthenticated":           {"actor.session.is_mfa"},
		"userIdentity.sessionContext.attributes.creationDate":               {"actor.session.created_time_dt"},
		"userIdentity.sessionContext.webIdFederationData.federatedProvider": {"actor.idp.name"},
		"resources.ARN":                       {"resources.uid"},
		"resources.type":                      {"resources.type"},
		"resources.accountId":                 {"resources.owner.account.uid"},
		"tlsDetails.tlsVersion":               {"tls.version"},
		"tlsDetails.cipherSuite":              {"tls.cipher"},
		"tlsDetails.clientProvidedHostHeader": {"tls.sni"},
	},
}
