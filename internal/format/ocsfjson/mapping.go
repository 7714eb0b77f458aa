package ocsfjson

import (
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the identity: an OCSF field is read where it stands.
var Mapping = identity().Compile()

func identity() *ocsf.Mapping {
	m := &ocsf.Mapping{Name: "ocsfjson", Title: "OCSF events as JSON", Class: class, Alias: alias}
	for _, f := range ocsf.Fields() {
		m.Rows = append(m.Rows, ocsf.Row{Field: f, From: f.String()})
	}
	return m
}

func class(e *ocsf.Event) (uid, activity int) {
	return e.Doc.GetInt("class_uid"), e.Doc.GetInt("activity_id")
}

// alias gives CloudTrail's names for fields of CloudTrail events that are stored as OCSF. A name that stands for an
// object reaches what is inside it, also where it is stored as text.
var alias = map[string]string{
	"eventName":                "api.operation",
	"eventSource":              "api.service.name",
	"eventID":                  "metadata.uid",
	"eventType":                "metadata.event_code",
	"awsRegion":                "cloud.region",
	"recipientAccountId":       "cloud.account.uid",
	"requestParameters":        "api.request.data",
	"responseElements":         "api.response.data",
	"errorCode":                "api.response.error",
	"errorMessage":             "api.response.message",
	"requestID":                "api.request.uid",
	"sourceIPAddress":          "src_endpoint.ip",
	"userAgent":                "http_request.user_agent",
	"userIdentity.type":        "actor.user.type",
	"userIdentity.arn":         "actor.user.uid",
	"userIdentity.principalId": "actor.user.uid_alt",
	"userIdentity.userName":    "actor.user.name",
	"userIdentity.accountId":   "actor.user.account.uid",
	"userIdentity.accessKeyId": "actor.user.credential_uid",
	"userIdentity.invokedBy":   "actor.invoked_by",
	"userIdentity.sessionContext.sessionIssuer.arn":           "actor.session.issuer",
	"userIdentity.sessionContext.attributes.mfaAuthenticated": "actor.session.is_mfa",
	"additionalEventData":                                     "unmapped.additionalEventData",
	"readOnly":                                                "unmapped.readOnly",
	"managementEvent":                                         "unmapped.managementEvent",
	"eventCategory":                                           "metadata.product.feature.name",
}
