package cloudtrail

import (
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The OCSF classes that CloudTrail records map to.
const (
	classDetection      = 2004 // Insights events
	classAccountChange  = 3001 // changes of IAM users
	classAuthentication = 3002 // sign-in and STS
	classAPIActivity    = 6003 // everything else
)

var (
	calls      = []int{classAPIActivity, classAccountChange, classAuthentication}
	aboutUsers = []int{classAccountChange, classAuthentication}
)

// isInsight tells CloudTrail's own findings from records of calls.
func isInsight(e *ocsf.Event) bool {
	return e.Doc.Exists("insightDetails") && !e.Doc.Exists("eventName")
}

// class chooses as AWS's own mapping does.
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
	case "iam.amazonaws.com":
		if activity = userChange(name); activity != 0 && namesUser(e) {
			return classAccountChange, activity
		}
	case "":
		if isInsight(e) {
			if e.Text(insight.state) == "End" {
				return classDetection, 3 // Close
			}
			return classDetection, 1 // Create
		}
	}
	return classAPIActivity, activityOf(name)
}

var targetUser = ocsf.ParsePath("requestParameters.userName")

// namesUser reports whether the record tells which user a change is about; Account Change requires one.
func namesUser(e *ocsf.Event) bool {
	return e.Text(targetUser) != "" || e.Text(identity.name) != "" || e.Text(newUser) != ""
}

// userChange gives the activity_id of Account Change for changes of IAM users, else 0.
func userChange(name string) int {
	switch name {
	case "CreateUser":
		return 1
	case "ChangePassword":
		return 3
	case "UpdateLoginProfile":
		return 4 // set by another: a reset
	case "DeleteUser":
		return 6
	case "AttachUserPolicy", "PutUserPolicy":
		return 7
	case "DetachUserPolicy", "DeleteUserPolicy":
		return 8
	case "EnableMFADevice":
		return 10
	case "DeactivateMFADevice":
		return 11
	}
	return 0
}

// verbs gives the activity_id of API Activity by how a call's name begins: 1 Create, 2 Read, 3 Update, 4 Delete.
var verbs = []struct {
	prefix   string
	activity int
}{
	{"Create", 1},
	{"Put", 1},
	{"Run", 1},
	{"Import", 1},
	{"Register", 1},
	{"Add", 1},
	{"Allocate", 1},
	{"Issue", 1},
	{"Get", 2},
	{"List", 2},
	{"Describe", 2},
	{"Lookup", 2},
	{"Head", 2},
	{"Search", 2},
	{"Select", 2},
	{"Query", 2},
	{"BatchGet", 2},
	{"Scan", 2},
	{"Decrypt", 2},
	{"Update", 3},
	{"Modify", 3},
	{"Set", 3},
	{"Attach", 3},
	{"Detach", 3},
	{"Enable", 3},
	{"Disable", 3},
	{"Start", 3},
	{"Stop", 3},
	{"Change", 3},
	{"Associate", 3},
	{"Disassociate", 3},
	{"Tag", 3},
	{"Untag", 3},
	{"Authorize", 3},
	{"Revoke", 3},
	{"Restore", 3},
	{"Replace", 3},
	{"Reset", 3},
	{"Reboot", 3},
	{"Delete", 4},
	{"Remove", 4},
	{"Terminate", 4},
	{"Deregister", 4},
	{"Release", 4},
	{"Cancel", 4},
	{"Purge", 4},
	{"BatchDelete", 4},
}

func activityOf(name string) int {
	for _, v := range verbs {
		if strings.HasPrefix(name, v.prefix) {
			return v.activity
		}
	}
	return 99 // Other
}
