package simulate

import (
	"strings"
	"time"
)

// organisationTakeover: an administrator's stolen session in the management account makes a way in of its own to every account, and takes the guard rails off.
//
// Sources: AWS CIRT's Threat Technique Catalog and its "CIRT insights" on attacks by way of Organizations, 2025; Permiso on LUCR-3, 2023, and CISA
// AA23-320A (the identity provider itself as the place to stay); AWS IAM Identity Center and Organizations guides on what CloudTrail records of
// permission sets, stack sets and centrally managed root sessions (AssumeRoot, 2024).
var organisationTakeover = attack{"organisation-takeover", "Management account makes a way into every account", "AWS CIRT, Threat Technique Catalog, 2025; CISA and FBI AA23-320A and Permiso on LUCR-3, 2023; AWS guides on Identity Center and AssumeRoot", func(a *attackRun) {
	p := person{name: "clara.larsen@example.org", permission: "AdministratorAccess", ip: "195.181.170.226", tool: browser}
	who := a.sso(&p, management)
	console := m{"sessionCredentialFromConsole": "true"}
	a.step("initial-access", "opens the console with a stolen session")
	a.call(who, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "No"}})
	a.step("discovery", "learns the organisation")
	a.look(who, 0, "organizations:DescribeOrganization", "organizations:ListRoots", "organizations:ListAccounts", "organizations:ListPolicies", "organizations:ListDelegatedAdministrators", "sso:ListInstances", "sso:ListPermissionSets", "sso:ListAccountAssignments", "sso-directory:DescribeDirectory", "sso-directory:SearchUsers")
	a.ownWayIn(who, console)
	a.step("defense-impairment", "takes guard rails off")
	a.jitter(25 * time.Minute)
	a.call(who, "organizations", "DetachPolicy", m{"policyId": "p-FullGuard1", "targetId": "ou-7f3k-prod0001"}, nil, console)
	a.call(who, "organizations", "UpdatePolicy", m{"policyId": "p-deny0002", "content": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}, nil, console)
	a.jitter(2 * time.Minute)
	a.call(who, "guardduty", "DisableOrganizationAdminAccount", m{"adminAccountId": accounts[security].id}, nil, console)
	a.tries(who, "organizations", "RemoveAccountFromOrganization", m{"accountId": accounts[sandbox].id})
	a.everyAccount(who, console)
	a.wait(14 * time.Hour)
	a.rootOf(who)
	a.returnsAsItself()
}}

// intruderUser is the user that the intruder makes in the directory.
const intruderUser = "it.helpdesk@example.org"

// ownWayIn makes a user and a permission set and assigns them to accounts.
func (a *attackRun) ownWayIn(who identity, console m) {
	id := "ssoins-69870f2b1c4d5e6f"
	set := "arn:aws:sso:::permissionSet/" + id + "/ps-4b1c9d0e7f8a6b5c"
	instance := "arn:aws:sso:::instance/" + id
	a.step("persistence", "makes a user of its own with every right in several accounts")
	a.jitter(8 * time.Minute)
	a.call(who, "sso-directory", "CreateUser", m{"identityStoreId": "d-93670a1b2c", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}, m{"user": m{"userId": "f2d5a4c4-9051-70aa", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}}, console)
	a.jitter(time.Minute)
	a.call(who, "sso", "CreatePermissionSet", m{"instanceArn": instance, "name": "SupportBreakfix", "sessionDuration": "PT12H"}, m{"permissionSet": m{"permissionSetArn": set, "name": "SupportBreakfix", "sessionDuration": "PT12H"}}, console)
	a.call(who, "sso", "AttachManagedPolicyToPermissionSet", m{"instanceArn": instance, "permissionSetArn": set, "managedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil, console)
	for i, acc := range []int{management, management, production, data, security} {
		a.jitter(20 * time.Second)
		failed := m{}
		if i == 0 {
			failed = m{"errorCode": "ConflictException", "errorMessage": "The permission set is being provisioned"}
		}
		a.call(who, "sso", "CreateAccountAssignment", m{"instanceArn": instance, "permissionSetArn": set, "principalId": "f2d5a4c4-9051-70aa", "principalType": "USER", "targetId": accounts[acc].id, "targetType": "AWS_ACCOUNT"}, m{"accountAssignmentCreationStatus": m{"status": "IN_PROGRESS"}}, console, failed)
	}
}

// everyAccount has a stack set make a role in member accounts. The members' records are of the service's own role there.
func (a *attackRun) everyAccount(who identity, console m) {
	a.step("persistence", "has a role made in every account by a stack set")
	a.jitter(12 * time.Minute)
	a.call(who, "cloudformation", "CreateStackSet", m{"stackSetName": "baseline-logging-2", "permissionModel": "SERVICE_MANAGED", "autoDeployment": m{"enabled": true, "retainStacksOnAccountRemoval": true}, "capabilities": []string{"CAPABILITY_NAMED_IAM"}}, m{"stackSetId": "baseline-logging-2:" + a.uuid()}, console)
	a.call(who, "cloudformation", "CreateStackInstances", m{"stackSetName": "baseline-logging-2", "deploymentTargets": m{"organizationalUnitIds": []string{"r-7f3k"}}, "regions": []string{"eu-west-1"}}, m{"operationId": a.uuid()}, console)
	for _, acc := range []int{production, data, staging} {
		a.jitter(15 * time.Second)
		exec := roleSession(acc, "stacksets-exec-3f8a91c2b7d64e05", strings.ReplaceAll(a.uuid(), "-", ""), "ASIA"+a.upper(16), "cloudformation.amazonaws.com", "cloudformation.amazonaws.com")
		exec.user["invokedBy"] = "cloudformation.amazonaws.com"
		a.call(exec, "iam", "CreateRole", m{"roleName": "baseline-logging-2", "assumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + stranger + `:root"},"Action":"sts:AssumeRole"}]}`}, m{"role": m{"roleName": "baseline-logging-2"}})
		a.wait(2 * time.Second)
		a.call(exec, "iam", "AttachRolePolicy", m{"roleName": "baseline-logging-2", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
	}
}

// rootOf opens a member's root session, as the management account may, and unlocks a bucket with it.
func (a *attackRun) rootOf(who identity) {
	id := accounts[data].id
	who.agent = cli
	a.step("lateral-movement", "opens a root session of a member account")
	a.call(who, "iam", "ListOrganizationsFeatures", nil, nil)
	a.call(who, "iam", "EnableOrganizationsRootSessions", nil, m{"organizationId": orgID, "enabledFeatures": []string{"RootSessions"}})
	a.jitter(2 * time.Minute)
	policy := m{"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}
	key := "ASIA" + a.upper(16)
	a.call(who, "sts", "AssumeRoot", m{"targetPrincipal": accounts[security].id, "taskPolicyArn": policy}, nil, denied(who, "sts", "AssumeRoot"))
	a.call(who, "sts", "AssumeRoot", m{"targetPrincipal": id, "taskPolicyArn": policy, "durationSeconds": 900}, m{"credentials": m{"accessKeyId": key, "sessionToken": ""}})
	a.step("collection", "unlocks the customer bucket")
	a.jitter(time.Minute)
	root := identity{acc: data, ip: who.ip, agent: cli, key: key, region: regions[0], user: m{"type": "Root", "principalId": id, "arn": "arn:aws:iam::" + id + ":root", "accountId": id, "accessKeyId": key, "sessionContext": m{"attributes": m{"creationDate": a.now.UTC().Format("2006-01-02T15:04:05Z"), "mfaAuthenticated": "false"}, "assumedRoot": "true"}}}
	a.call(root, "s3", "GetBucketPolicy", m{"bucketName": "example-customer-records"}, nil)
	a.call(root, "s3", "DeleteBucketPolicy", m{"bucketName": "example-customer-records"}, nil)
}

// returnsAsItself signs in as the user that was made.
func (a *attackRun) returnsAsItself() {
	p := person{name: intruderUser, permission: "SupportBreakfix", ip: "169.150.218.44", tool: browser}
	a.jitter(50 * time.Minute)
	a.step("credential-access", "comes back as its own user and reads secrets")
	back := a.sso(&p, production)
	a.call(back, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "No"}})
	a.look(back, 0, "secretsmanager:ListSecrets", "s3:ListBuckets", "rds:DescribeDBInstances")
	for _, name := range []string{"prod/checkout/db", "prod/payments/gateway", "prod/ledger/db", "shared/okta/api", "prod/mailer/smtp", "prod/search/admin"} {
		a.jitter(25 * time.Second)
		a.call(back, "secretsmanager", "GetSecretValue", m{"secretId": name}, nil, m{"sessionCredentialFromConsole": "true"})
	}
}
