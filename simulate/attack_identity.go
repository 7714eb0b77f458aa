package simulate

import "time"

// instanceCredentials: a request forged through a web application reads a machine's credentials, which then copy a bucket from outside.
var instanceCredentials = attack{"instance-credentials", "Machine credentials copy customer data", "US Senate and CyberSN analyses of the Capital One breach, 2019", func(a *attackRun) {
	who := instance(production, "web", "i-0a213c4d5e6f708192", "185.220.101.34")
	who.agent = cli
	a.step("credential-access", "uses the machine's credentials from outside")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.step("discovery", "lists what there is")
	a.look(who, 2, "s3:ListBuckets", "iam:ListRoles", "ec2:DescribeInstances", "iam:GetUser", "secretsmanager:ListSecrets", "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListObjects")
	a.step("collection", "copies the customer bucket")
	for i := range 70 {
		a.jitter(2 * time.Second)
		a.call(who, "s3", "GetObject", m{"bucketName": "example-customer-records", "key": bucketKey(i)}, nil, dataEvent, m{"additionalEventData": m{"bytesTransferredOut": 9 << 20}})
	}
}}

// helpDeskTakeover: a session talked out of the help desk becomes permanent, blinds the defences and takes disks away.
var helpDeskTakeover = attack{"help-desk-takeover", "Talked-over session takes the account", "CISA and FBI advisory AA23-320A on Scattered Spider, 2023; Permiso on LUCR-3, 2023", func(a *attackRun) {
	p := person{name: "viktor.chen@example.org", permission: "AdministratorAccess", ip: "146.70.41.77", tool: browser}
	who := a.sso(&p, production)
	a.step("initial-access", "opens the console from a VPN")
	a.call(who, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "No"}})
	a.step("discovery", "looks around")
	a.look(who, 0, "iam:ListUsers", "ec2:DescribeInstances", "ssm:GetInventory", "secretsmanager:ListSecrets", "guardduty:ListDetectors", "cloudtrail:DescribeTrails")
	a.step("persistence", "makes an administrator")
	a.jitter(4 * time.Minute)
	a.call(who, "iam", "CreateUser", m{"userName": "svc-backup-agent"}, m{"user": m{"userName": "svc-backup-agent"}})
	a.jitter(15 * time.Second)
	a.call(who, "iam", "AttachUserPolicy", m{"userName": "svc-backup-agent", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
	next := user(production, "svc-backup-agent", "45.134.140.12", cli)
	a.call(who, "iam", "CreateAccessKey", m{"userName": "svc-backup-agent"}, m{"accessKey": m{"userName": "svc-backup-agent", "accessKeyId": next.key, "status": "Active"}})
	a.step("defense-impairment", "switches detection and logging off")
	a.jitter(20 * time.Minute)
	a.call(next, "sts", "GetCallerIdentity", nil, nil)
	a.call(next, "guardduty", "DeleteDetector", m{"detectorId": "24b1"}, nil)
	a.jitter(30 * time.Second)
	a.call(next, "cloudtrail", "StopLogging", m{"name": "arn:aws:cloudtrail:eu-west-1:" + accounts[production].id + ":trail/main"}, nil)
	a.tries(next, "organizations", "LeaveOrganization", nil)
	a.step("credential-access", "reads secrets")
	for i := range 14 {
		a.jitter(3 * time.Second)
		a.call(next, "secretsmanager", "GetSecretValue", m{"secretId": "prod/service-" + string(rune('a'+i)) + "/credentials"}, nil)
	}
	a.step("exfiltration", "copies the disk of a domain controller to its own account")
	a.jitter(10 * time.Minute)
	a.call(next, "ec2", "CreateSnapshot", m{"volumeId": "vol-" + a.hex(17)}, m{"snapshotId": "snap-0dc01"})
	a.jitter(5 * time.Minute)
	a.call(next, "ec2", "ModifySnapshotAttribute", m{"snapshotId": "snap-0dc01", "attributeType": "CREATE_VOLUME_PERMISSION", "createVolumePermission": m{"add": m{"items": []any{m{"userId": stranger}}}}}, m{"_return": true})
}}

// trustBackdoor: a contractor's key opens a role to a foreign account, which returns through it and reads what it finds.
var trustBackdoor = attack{"trust-backdoor", "Role opened to a foreign account and used", "Mandiant, M-Trends 2024 on cross-account persistence; Datadog, State of Cloud Security, 2024", func(a *attackRun) {
	who := user(data, "contractor-etl", "5.188.206.14", cli)
	a.step("discovery", "finds a role that is worth it")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 4, "iam:ListRoles", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:GetPolicyVersion", "iam:ListPolicies", "iam:ListInstanceProfiles")
	a.step("persistence", "opens it to its own account")
	a.jitter(time.Minute)
	a.call(who, "iam", "UpdateAssumeRolePolicy", m{"roleName": "lake-maintenance", "policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + accounts[data].id + `:root","arn:aws:iam::` + stranger + `:root"]},"Action":"sts:AssumeRole"}]}`}, nil)
	a.step("lateral-movement", "comes back from its own account")
	a.jitter(3 * time.Hour)
	back := roleSession(data, "lake-maintenance", "maint", "ASIA"+a.upper(16), "193.32.126.201", boto)
	arn := "arn:aws:iam::" + accounts[data].id + ":role/lake-maintenance"
	a.call(identity{acc: data, ip: back.ip, agent: boto, user: m{"type": "AWSAccount", "principalId": "AIDAZ:x", "accountId": stranger}}, "sts", "AssumeRole", m{"roleArn": arn, "roleSessionName": "maint"}, m{"credentials": m{"accessKeyId": back.key}, "assumedRoleUser": m{"arn": back.user["arn"]}}, m{"resources": []any{m{"ARN": arn, "accountId": accounts[data].id, "type": "AWS::IAM::Role"}}})
	a.step("credential-access", "reads secrets and parameters in bulk")
	a.call(back, "secretsmanager", "ListSecrets", nil, nil)
	for i := range 18 {
		a.jitter(2 * time.Second)
		a.call(back, "secretsmanager", "GetSecretValue", m{"secretId": "lake/source-" + string(rune('a'+i))}, nil)
	}
	for i := range 4 {
		var names []string
		for k := range 10 {
			names = append(names, "/lake/db/"+string(rune('a'+i))+string(rune('a'+k)))
		}
		a.jitter(2 * time.Second)
		a.call(back, "ssm", "GetParameters", m{"names": names, "withDecryption": true}, nil)
	}
}}

// extortion: an intruder with administrator rights destroys what hurts and says so.
var extortion = attack{"extortion", "Keys scheduled for deletion, account about to leave", "Code Spaces post-mortem, 2014; Invictus, The curious case of DangerDev, 2024", func(a *attackRun) {
	who := user(security, "audit-readonly", "91.240.118.9", cli)
	a.step("discovery", "looks around")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 0, "kms:ListKeys", "kms:ListAliases", "backup:ListBackupVaults", "organizations:DescribeOrganization", "iam:ListUsers")
	a.step("impact", "schedules keys for deletion")
	for range 6 {
		a.jitter(10 * time.Second)
		a.call(who, "kms", "ScheduleKeyDeletion", m{"keyId": a.uuid(), "pendingWindowInDays": 7}, m{"deletionDate": "x"})
	}
	a.step("impact", "deletes backups")
	for i := range 12 {
		a.jitter(5 * time.Second)
		a.call(who, "backup", "DeleteRecoveryPoint", m{"backupVaultName": "daily", "recoveryPointArn": "arn:aws:backup:eu-west-1:" + accounts[security].id + ":recovery-point:" + string(rune('a'+i))}, nil)
	}
	a.step("impact", "locks people out")
	for _, name := range []string{"auditor", "batch-legacy", "oncall", "report", "backup", "break-glass-2"} {
		a.jitter(5 * time.Second)
		a.call(who, "iam", "DeleteLoginProfile", m{"userName": name}, nil)
	}
	a.step("defense-impairment", "tries to take the account out of the organisation")
	a.tries(who, "organizations", "LeaveOrganization", nil)
	a.jitter(time.Minute)
	a.tries(who, "organizations", "LeaveOrganization", nil)
}}
