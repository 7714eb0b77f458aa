package cloudtrail

import (
	"net/netip"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Mapping is the table from CloudTrail to OCSF. Source: AWS's own mapping in ocsf/examples (OCSF 1.1.0), carried to
// 1.8.0; rows marked "own" have no official counterpart.
var Mapping = (&ocsf.Mapping{
	Name:  "cloudtrail",
	Title: "AWS CloudTrail",
	Class: class,
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "eventTime", Convert: millis, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataOriginalTime, From: "eventTime"},
		{Field: ocsf.MetadataUID, From: "eventID"},
		{Field: ocsf.MetadataEventCode, From: "eventType"},
		{Field: ocsf.MetadataProductVersion, From: "eventVersion"},
		{Field: ocsf.MetadataProductFeature, From: "eventCategory"},
		{Field: ocsf.MetadataProductName, Const: "CloudTrail"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "errorCode", Convert: status, Note: "2 Failure with an errorCode or a failed sign-in, else 1 Success; Insights: 1 New at the start, 4 Resolved at the end"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudRegion, From: "awsRegion"},
		{Field: ocsf.CloudAccountUID, From: "recipientAccountId", Convert: account, Note: "own; userIdentity.accountId in records before 1.02"},
		{Field: ocsf.APIOperation, From: "eventName"},
		{Field: ocsf.APIServiceName, From: "eventSource"},
		{Field: ocsf.APIVersion, From: "apiVersion"},
		{Field: ocsf.APIRequestUID, From: "requestID", Convert: requestID, Note: "the event's own id in records that have none (before 1.01, and service events)"},
		{Field: ocsf.APIRequestData, From: "requestParameters"},
		{Field: ocsf.APIResponseData, From: "responseElements"},
		{Field: ocsf.APIResponseError, From: "errorCode"},
		{Field: ocsf.APIResponseMessage, From: "errorMessage"},
		{Field: ocsf.SrcIP, From: "sourceIPAddress", Convert: onlyIP, Note: "where it is an address"},
		{Field: ocsf.SrcDomain, From: "sourceIPAddress", Convert: onlyName, Classes: calls, Note: "where it is a service's name; unknown where it is missing"},
		{Field: ocsf.SrcUID, From: "vpcEndpointId"},
		{Field: ocsf.UserAgent, From: "userAgent"},
		{Field: ocsf.ActorUserType, From: "userIdentity.type"},
		{Field: ocsf.ActorUserTypeID, From: "userIdentity.type", Convert: userType, Note: "Root 2, IAMUser 1, AWSService 3, else 99"},
		{Field: ocsf.ActorUserName, From: "userIdentity.userName"},
		{Field: ocsf.ActorUserUID, From: "userIdentity.arn", Convert: actorUID, Note: "principalId, type or invokedBy where there is no ARN"},
		{Field: ocsf.ActorUserUIDAlt, From: "userIdentity.principalId"},
		{Field: ocsf.ActorUserAccountUID, From: "userIdentity.accountId"},
		{Field: ocsf.ActorUserCredentialUID, From: "userIdentity.accessKeyId"},
		{Field: ocsf.ActorSessionIssuer, From: "userIdentity.sessionContext.sessionIssuer.arn"},
		{Field: ocsf.ActorSessionCreated, From: "userIdentity.sessionContext.attributes.creationDate", Convert: millis, Note: "epoch milliseconds"},
		{Field: ocsf.ActorSessionMFA, From: "userIdentity.sessionContext.attributes.mfaAuthenticated"},
		{Field: ocsf.ActorInvokedBy, From: "userIdentity.invokedBy"},
		{Field: ocsf.ActorIdpName, From: "userIdentity.sessionContext.webIdFederationData.federatedProvider", Convert: provider, Note: "else userIdentity.identityProvider"},
		{Field: ocsf.ActorIdpUID, From: "userIdentity.onBehalfOf.identityStoreArn"},
		{Field: ocsf.ResourceUID, From: "resources.ARN"},
		{Field: ocsf.ResourceType, From: "resources.type"},
		{Field: ocsf.ResourceOwnerAccount, From: "resources.accountId"},
		{Field: ocsf.TLSVersion, From: "tlsDetails.tlsVersion"},
		{Field: ocsf.TLSCipher, From: "tlsDetails.cipherSuite"},
		{Field: ocsf.TLSSNI, From: "tlsDetails.clientProvidedHostHeader"},
		{Field: ocsf.UserName, From: "requestParameters.userName", Convert: subjectName, Classes: aboutUsers, Note: "sign-in and STS: the session's name, else the caller's; changes of users: the user changed"},
		{Field: ocsf.UserUID, From: "requestParameters.roleArn", Convert: subjectUID, Classes: aboutUsers, Note: "sign-in and STS: the role, else the caller; changes of users: the new user's ARN where it is recorded"},
		{Field: ocsf.IsMFA, From: "additionalEventData.MFAUsed", Convert: usedMFA, Copied: true, Classes: []int{classAuthentication}, Note: "Yes or No"},
		{Field: ocsf.DstServiceName, From: "eventSource", Classes: []int{classAuthentication}, Note: "the service signed in to"},
		{Field: ocsf.FindingUID, From: "eventID", Convert: findingUID, Classes: []int{classDetection}, Note: "sharedEventID, which joins start and end, else the event's own id"},
		{Field: ocsf.FindingTitle, From: "insightDetails.eventName", Convert: insightTitle, Copied: true, Classes: []int{classDetection}, Note: "unusual rate of calls or errors of that API"},
		{Field: ocsf.FindingTypes, From: "insightDetails.insightType", Copied: true, Classes: []int{classDetection}},
	},
}).Compile()

func millis(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Kind != ocsf.String {
		return ocsf.Value{}
	}
	t, err := ocsf.ParseTime(v.Str)
	if err != nil {
		return ocsf.Value{}
	}
	return e.Int(t)
}

// The members that conversions and classes look at beside their own.
var (
	eventTime    = ocsf.ParsePath("eventTime")
	consoleLogin = ocsf.ParsePath("responseElements.ConsoleLogin")
	sessionName  = ocsf.ParsePath("requestParameters.roleSessionName")
	newUser      = ocsf.ParsePath("responseElements.user.arn")
	sharedID     = ocsf.ParsePath("sharedEventID")
	insight      = struct{ state, source, kind ocsf.Path }{
		ocsf.ParsePath("insightDetails.state"), ocsf.ParsePath("insightDetails.eventSource"), ocsf.ParsePath("insightDetails.insightType"),
	}
	identity = struct{ account, principal, kind, invokedBy, name, provider ocsf.Path }{
		ocsf.ParsePath("userIdentity.accountId"), ocsf.ParsePath("userIdentity.principalId"), ocsf.ParsePath("userIdentity.type"),
		ocsf.ParsePath("userIdentity.invokedBy"), ocsf.ParsePath("userIdentity.userName"), ocsf.ParsePath("userIdentity.identityProvider"),
	}
)

func str(s string) ocsf.Value    { return ocsf.Value{Kind: ocsf.String, Str: s} }
func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func orText(v ocsf.Value, e *ocsf.Event, p ocsf.Path) ocsf.Value {
	if v.Str == "" {
		return str(e.Text(p))
	}
	return v
}

func status(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	switch {
	case isInsight(e) && e.Text(insight.state) == "End":
		return number("4")
	case isInsight(e):
		return number("1")
	case v.Str != "" || e.Text(consoleLogin) == "Failure":
		return number("2")
	}
	return number("1")
}

func account(v ocsf.Value, e *ocsf.Event) ocsf.Value  { return orText(v, e, identity.account) }
func provider(v ocsf.Value, e *ocsf.Event) ocsf.Value { return orText(v, e, identity.provider) }

// isIP tells addresses from names. It does IPv4 itself: netip.ParseAddr makes an error for each name.
func isIP(s string) bool {
	if strings.IndexByte(s, ':') >= 0 {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	fields, digits, n := 1, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if digits > 0 && n == 0 { // a leading zero
				return false
			}
			digits, n = digits+1, n*10+int(c-'0')
			if n > 255 {
				return false
			}
		case c == '.' && digits > 0:
			fields, digits, n = fields+1, 0, 0
		default:
			return false
		}
	}
	return fields == 4 && digits > 0
}

func onlyIP(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if !isIP(v.Str) {
		return ocsf.Value{}
	}
	return v
}

func onlyName(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch {
	case isIP(v.Str):
		return ocsf.Value{}
	case v.Str == "":
		return str("unknown")
	}
	return v
}

func userType(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "IAMUser":
		return number("1")
	case "Root":
		return number("2")
	case "AWSService":
		return number("3")
	}
	return number("99")
}

func actorUID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	for _, p := range [...]ocsf.Path{identity.principal, identity.invokedBy, identity.kind} {
		v = orText(v, e, p)
	}
	if v.Str == "" {
		return str("Unknown")
	}
	return v
}

func requestID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" && !isInsight(e) { // no call, no request
		return str(e.ID)
	}
	return v
}

func subjectName(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if uid, _ := class(e); uid == classAuthentication {
		v = str(e.Text(sessionName))
	}
	return orText(v, e, identity.name)
}

func subjectUID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	switch uid, _ := class(e); {
	case uid == classAccountChange:
		return str(e.Text(newUser))
	case v.Str == "":
		return str(e.Str(ocsf.ActorUserUID))
	}
	return v
}

func usedMFA(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "Yes":
		return ocsf.Value{Kind: ocsf.Bool, Str: "true"}
	case "No":
		return ocsf.Value{Kind: ocsf.Bool, Str: "false"}
	}
	return ocsf.Value{}
}

func findingUID(_ ocsf.Value, e *ocsf.Event) ocsf.Value {
	v := orText(str(e.Text(sharedID)), e, ocsf.Path{"eventID"})
	if v.Str == "" {
		v = str(e.ID)
	}
	return v
}

func insightTitle(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	what := "calls"
	if strings.Contains(e.Text(insight.kind), "Error") {
		what = "errors"
	}
	return str("Unusual rate of " + what + ": " + e.Text(insight.source) + " " + v.Str)
}
