package cloudtrail

import (
	"net/netip"
	"strconv"
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
		{Field: ocsf.MetadataUID, From: "eventID"},
		{Field: ocsf.MetadataEventCode, From: "eventType"},
		{Field: ocsf.MetadataProductVersion, From: "eventVersion"},
		{Field: ocsf.MetadataProductFeature, From: "eventCategory"},
		{Field: ocsf.MetadataProductName, Const: "CloudTrail"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "errorCode", Convert: status, Note: "2 Failure with an errorCode or a failed sign-in, else 1 Success"},
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
		{Field: ocsf.SrcDomain, From: "sourceIPAddress", Convert: onlyName, Note: "where it is a service's name; unknown where it is missing"},
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
		{Field: ocsf.ActorIdpName, From: "userIdentity.sessionContext.webIdFederationData.federatedProvider"},
		{Field: ocsf.ResourceUID, From: "resources.ARN"},
		{Field: ocsf.ResourceType, From: "resources.type"},
		{Field: ocsf.ResourceOwnerAccount, From: "resources.accountId"},
		{Field: ocsf.TLSVersion, From: "tlsDetails.tlsVersion"},
		{Field: ocsf.TLSCipher, From: "tlsDetails.cipherSuite"},
		{Field: ocsf.TLSSNI, From: "tlsDetails.clientProvidedHostHeader"},
		{Field: ocsf.UserName, From: "requestParameters.roleSessionName", Convert: signInName, Note: "sign-in and STS: whom the credentials are for"},
		{Field: ocsf.UserUID, From: "requestParameters.roleArn", Convert: signInUID, Note: "sign-in and STS: the role, else the caller"},
		{Field: ocsf.IsMFA, From: "additionalEventData.MFAUsed", Convert: usedMFA, Note: "sign-in: Yes or No"},
		{Field: ocsf.DstServiceName, From: "eventSource", Convert: signInService, Note: "sign-in and STS: the service signed in to"},
	},
}).Compile()

// The OCSF classes and activities that CloudTrail records map to.
const (
	classAuthentication = 3002
	classAPIActivity    = 6003
)

// class tells sign-in and STS apart from all other calls.
func class(e *ocsf.Event) (uid, activity int) {
	name := e.Str(ocsf.APIOperation)
	switch e.Str(ocsf.APIServiceName) {
	case "signin.amazonaws.com", "sts.amazonaws.com":
		switch {
		case name == "ConsoleLogin", strings.HasPrefix(name, "AssumeRole"), name == "GetSessionToken", name == "GetFederationToken", name == "CheckMfa":
			return classAuthentication, 1 // Logon
		case name == "SwitchRole", name == "RenewRole", name == "ExitRole":
			return classAuthentication, 7 // Account Switch
		}
	}
	return classAPIActivity, activityOf(name)
}

var verbs = []struct {
	prefix   string
	activity int
}{
	{"Create", 1}, {"Put", 1}, {"Run", 1}, {"Import", 1}, {"Register", 1}, {"Add", 1}, {"Allocate", 1}, {"Issue", 1},
	{"Get", 2}, {"List", 2}, {"Describe", 2}, {"Lookup", 2}, {"Head", 2}, {"Search", 2}, {"Select", 2}, {"Query", 2}, {"BatchGet", 2}, {"Scan", 2}, {"Decrypt", 2},
	{"Update", 3}, {"Modify", 3}, {"Set", 3}, {"Attach", 3}, {"Detach", 3}, {"Enable", 3}, {"Disable", 3}, {"Start", 3}, {"Stop", 3}, {"Change", 3},
	{"Associate", 3}, {"Disassociate", 3}, {"Tag", 3}, {"Untag", 3}, {"Authorize", 3}, {"Revoke", 3}, {"Restore", 3}, {"Replace", 3}, {"Reset", 3}, {"Reboot", 3},
	{"Delete", 4}, {"Remove", 4}, {"Terminate", 4}, {"Deregister", 4}, {"Release", 4}, {"Cancel", 4}, {"Purge", 4}, {"BatchDelete", 4},
}

func activityOf(name string) int {
	for _, v := range verbs {
		if strings.HasPrefix(name, v.prefix) {
			return v.activity
		}
	}
	return 99
}

func millis(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	t, err := ocsf.ParseTime(v.Str)
	if err != nil {
		return ocsf.Value{}
	}
	return ocsf.Value{Kind: ocsf.Number, Str: strconv.FormatInt(t, 10)}
}

var (
	consoleLogin = ocsf.ParsePath("responseElements.ConsoleLogin")
	identity     = struct{ account, principal, kind, invokedBy, arn, name ocsf.Path }{
		ocsf.ParsePath("userIdentity.accountId"), ocsf.ParsePath("userIdentity.principalId"), ocsf.ParsePath("userIdentity.type"),
		ocsf.ParsePath("userIdentity.invokedBy"), ocsf.ParsePath("userIdentity.arn"), ocsf.ParsePath("userIdentity.userName"),
	}
)

func status(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str != "" || e.Text(consoleLogin) == "Failure" {
		return ocsf.Value{Kind: ocsf.Number, Str: "2"}
	}
	return ocsf.Value{Kind: ocsf.Number, Str: "1"}
}

func account(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		v = ocsf.Value{Kind: ocsf.String, Str: e.Text(identity.account)}
	}
	return v
}

func onlyIP(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if _, err := netip.ParseAddr(v.Str); err != nil {
		return ocsf.Value{}
	}
	return v
}

func onlyName(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	if _, err := netip.ParseAddr(v.Str); err == nil {
		return ocsf.Value{}
	}
	if v.Str == "" {
		v = ocsf.Value{Kind: ocsf.String, Str: "unknown"}
	}
	return v
}

func userType(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	id := map[string]string{"Root": "2", "IAMUser": "1", "AWSService": "3"}[v.Str]
	if id == "" {
		id = "99"
	}
	return ocsf.Value{Kind: ocsf.Number, Str: id}
}

func actorUID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	for _, p := range []ocsf.Path{identity.principal, identity.invokedBy, identity.kind} {
		if v.Str != "" {
			return v
		}
		v = ocsf.Value{Kind: ocsf.String, Str: e.Text(p)}
	}
	if v.Str == "" {
		v = ocsf.Value{Kind: ocsf.String, Str: "Unknown"}
	}
	return v
}

func requestID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		v = ocsf.Value{Kind: ocsf.String, Str: e.ID}
	}
	return v
}

func signInService(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if uid, _ := class(e); uid != classAuthentication {
		return ocsf.Value{}
	}
	return v
}

func signInName(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		v = ocsf.Value{Kind: ocsf.String, Str: e.Text(identity.name)}
	}
	return v
}

func signInUID(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if v.Str == "" {
		return ocsf.Value{Kind: ocsf.String, Str: e.Str(ocsf.ActorUserUID)}
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
