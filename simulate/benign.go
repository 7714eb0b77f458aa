package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// call templates: what a kind of person or job does all day. {n} is a small number.
type template struct {
	service, name string
	request       m
	weight        int
}

var daily = map[string][]template{
	"DeveloperAccess": {
		{"lambda", "GetFunction20150331v2", m{"functionName": "checkout-api"}, 6},
		{"logs", "DescribeLogGroups", nil, 8},
		{"logs", "FilterLogEvents", m{"logGroupName": "/aws/lambda/checkout-api"}, 14},
		{"s3", "ListBuckets", nil, 3},
		{"cloudformation", "DescribeStacks", nil, 6},
		{"ec2", "DescribeInstances", nil, 8},
		{"ecs", "DescribeServices", m{"cluster": "apps"}, 5},
		{"dynamodb", "DescribeTable", m{"tableName": "carts"}, 4},
		{"sqs", "GetQueueAttributes", nil, 3},
		{"ecr", "DescribeImages", m{"repositoryName": "checkout"}, 3},
		{"ssm", "GetParameter", m{"name": "/app/flags", "withDecryption": false}, 3},
		{"sts", "GetCallerIdentity", nil, 2},
	},
	"DataScientist": {
		{"athena", "StartQueryExecution", m{"workGroup": "primary"}, 8},
		{"athena", "GetQueryResults", nil, 14},
		{"glue", "GetTables", m{"databaseName": "lake"}, 6},
		{"s3", "ListBuckets", nil, 3},
		{"sagemaker", "DescribeNotebookInstance", m{"notebookInstanceName": "research"}, 4},
		{"sagemaker", "CreatePresignedNotebookInstanceUrl", m{"notebookInstanceName": "research"}, 1},
		{"bedrock", "InvokeModel", m{"modelId": "eu.example.model-3"}, 5},
		{"sts", "GetCallerIdentity", nil, 2},
	},
	"OperatorAccess": {
		{"cloudwatch", "GetMetricData", nil, 1},
		{"monitoring", "DescribeAlarms", nil, 14},
		{"ec2", "DescribeInstances", nil, 14},
		{"ec2", "DescribeInstanceStatus", nil, 10},
		{"rds", "DescribeDBInstances", nil, 8},
		{"ssm", "DescribeInstanceInformation", nil, 5},
		{"autoscaling", "DescribeAutoScalingGroups", nil, 6},
		{"logs", "GetLogEvents", m{"logGroupName": "/aws/eks/apps/cluster"}, 8},
		{"elasticloadbalancing", "DescribeTargetHealth", nil, 6},
		{"health", "DescribeEvents", nil, 3},
	},
	"AdministratorAccess": {
		{"iam", "ListRoles", nil, 6}, {"iam", "ListUsers", nil, 4}, {"iam", "GetRole", m{"roleName": "terraform"}, 4}, {"organizations", "ListAccounts", nil, 5}, {"cloudtrail", "DescribeTrails", nil, 3}, {"guardduty", "ListFindings", m{"detectorId": "24b1"}, 6}, {"securityhub", "GetFindings", nil, 6}, {"config", "DescribeConfigRules", nil, 3},
	},
	"BillingReadOnly": {{"ce", "GetCostAndUsage", nil, 10}, {"organizations", "ListAccounts", nil, 3}, {"budgets", "ViewBudget", nil, 4}},
}

func pick(r *rand.Rand, list []template) template {
	total := 0
	for _, t := range list {
		total += t.weight
	}
	n := r.IntN(total)
	for _, t := range list {
		if n -= t.weight; n < 0 {
			return t
		}
	}
	return list[0]
}

// benignDay writes one day of the organisation.
func (w *world) benignDay(day time.Time, staff []person, scale float64) {
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	for i := range staff {
		if !weekend || w.r.IntN(12) == 0 {
			w.workday(day, &staff[i], scale)
		}
	}
	w.machines(day, scale)
	w.builds(day, weekend)
	w.scanner(day)
	w.services(day, scale)
	w.notable(day, staff)
}

// workday is one person's day: a sign-in, then bursts of calls.
func (w *world) workday(day time.Time, p *person, scale float64) {
	home := p.ip
	if w.r.IntN(3) == 0 && p.offset > -5 {
		p.ip = office
	}
	w.now = day.Add(time.Duration(8-p.offset)*time.Hour + time.Duration(w.r.IntN(90))*time.Minute)
	for _, acc := range p.accounts[:1+w.r.IntN(len(p.accounts))] {
		who := w.sso(p, acc)
		if p.tool == browser {
			w.call(who, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MobileVersion": "No", "MFAUsed": "No"}})
			who.user["sessionCredentialFromConsole"] = nil
			delete(who.user, "sessionCredentialFromConsole")
		}
		if p.permission == "AdministratorAccess" && acc != security { // audits through a role of the security account
			audit := w.assume(who, security, "audit-read", "audit")
			for range 4 {
				w.jitter(20 * time.Second)
				w.call(audit, "guardduty", "ListFindings", m{"detectorId": "24b1"}, nil)
			}
		}
		bursts := int(float64(3+w.r.IntN(5)) * p.busy * scale)
		for range max(1, bursts) {
			w.jitter(50 * time.Minute)
			for range 4 + w.r.IntN(10) {
				w.jitter(9 * time.Second)
				t := pick(w.r, daily[p.permission])
				opts := m{}
				if w.r.IntN(60) == 0 {
					opts = denied(who, t.service, t.name)
				}
				if p.tool == browser {
					opts["sessionCredentialFromConsole"] = "true"
				}
				w.call(who, t.service, t.name, t.request, nil, opts)
			}
		}
	}
	p.ip = home
}

// machines are workloads with the credentials that AWS gave them.
func (w *world) machines(day time.Time, scale float64) {
	for _, acc := range []int{production, staging, data} {
		for n := range 4 {
			who := instance(acc, "web", fmt.Sprintf("i-0a%d%d3c4d5e6f708192", acc, n), fmt.Sprintf("34.240.%d.%d", 10+acc, 20+n))
			w.now = day.Add(time.Duration(w.r.IntN(50)) * time.Minute)
			for range int(40 * scale) {
				w.jitter(34 * time.Minute)
				switch w.r.IntN(4) {
				case 0:
					w.call(who, "secretsmanager", "GetSecretValue", m{"secretId": "prod/checkout/db"}, nil) //nolint:gosec // a name, no secret
				case 1:
					w.call(who, "ssm", "GetParameters", m{"names": []string{"/app/flags", "/app/limits"}, "withDecryption": true}, nil)
				case 2:
					w.call(who, "sqs", "ListQueues", nil, nil)
				default:
					w.call(who, "kms", "Decrypt", m{"encryptionContext": m{"app": "checkout"}}, nil, m{"resources": []any{m{"ARN": "arn:aws:kms:eu-west-1:" + accounts[acc].id + ":key/7d1f", "accountId": accounts[acc].id, "type": "AWS::KMS::Key"}}})
				}
			}
		}
	}
	who := instance(data, "etl", "i-0f6e5d4c3b2a19080", "34.241.9.14")
	w.now = day.Add(2 * time.Hour)
	for n := range int(300 * scale) {
		w.jitter(20 * time.Second)
		w.call(who, "s3", []string{"GetObject", "GetObject", "PutObject", "HeadObject"}[n%4], m{"bucketName": "example-analytics-lake", "key": fmt.Sprintf("day=%s/part-%04d.parquet", day.Format(time.DateOnly), n)}, nil, dataEvent, m{"additionalEventData": m{"bytesTransferredOut": 1 << 20}})
	}
}

// builds are CI jobs: they change things every working day.
func (w *world) builds(day time.Time, weekend bool) {
	jobs := 9
	if weekend {
		jobs = 1
	}
	for range jobs {
		w.now = day.Add(time.Duration(7+w.r.IntN(11))*time.Hour + time.Duration(w.r.IntN(60))*time.Minute)
		acc := []int{development, development, staging, production}[w.r.IntN(4)]
		if w.r.IntN(2) == 0 {
			who := w.ci(acc, "github-deploy", "checkout")
			w.call(who, "ecr", "GetAuthorizationToken", nil, nil)
			w.jitter(20 * time.Second)
			w.call(who, "ecr", "PutImage", m{"repositoryName": "checkout", "imageTag": w.hex(7)}, nil)
			w.call(who, "lambda", "UpdateFunctionCode20150331v2", m{"functionName": "checkout-api", "publish": true}, m{"functionName": "checkout-api"})
			w.call(who, "ecs", "UpdateService", m{"cluster": "apps", "service": "checkout"}, nil)
			continue
		}
		who := w.ci(acc, "terraform", "infrastructure")
		for range 25 {
			w.jitter(2 * time.Second)
			w.call(who, []string{"ec2", "iam", "s3", "lambda"}[w.r.IntN(4)], []string{"DescribeVpcs", "GetRole", "GetBucketPolicy", "GetFunction20150331v2"}[w.r.IntN(4)], nil, nil)
		}
		w.change(who)
	}
}

// change is one change by infrastructure as code.
func (w *world) change(who identity) {
	id := accounts[who.acc].id
	switch w.r.IntN(7) {
	case 0:
		w.call(who, "ec2", "AuthorizeSecurityGroupIngress", m{"groupId": "sg-0aa1", "ipPermissions": m{"items": []any{m{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": m{"items": []any{m{"cidrIp": "0.0.0.0/0"}}}}}}}, m{"_return": true})
	case 1:
		w.call(who, "iam", "CreateRole", m{"roleName": "fn-" + w.hex(4), "assumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}, nil)
		w.call(who, "iam", "PutRolePolicy", m{"roleName": "fn", "policyName": "p", "policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem"],"Resource":"*"}]}`}, nil)
	case 2:
		w.call(who, "logs", "PutRetentionPolicy", m{"logGroupName": "/aws/lambda/checkout-api", "retentionInDays": 30}, nil)
	case 3:
		w.call(who, "s3", "PutBucketPolicy", m{"bucketName": "example-assets", "bucketPolicy": m{"Version": "2012-10-17", "Statement": []any{m{"Effect": "Allow", "Principal": m{"AWS": "arn:aws:iam::" + id + ":role/web"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::example-assets/*"}}}}, nil)
	case 4:
		w.call(who, "lambda", "UpdateFunctionConfiguration20150331v2", m{"functionName": "mailer", "memorySize": 512}, nil)
	case 5:
		w.call(who, "ec2", "RunInstances", m{"instanceType": "t3.large", "instancesSet": m{"items": []any{m{"imageId": "ami-0abc", "minCount": 1, "maxCount": 1}}}}, m{"instancesSet": m{"items": []any{m{"instanceId": "i-" + w.hex(17)}}}})
	default:
		for range 6 { // a broken plan, tried again
			w.jitter(20 * time.Second)
			w.call(who, "kms", "CreateAlias", m{"aliasName": "alias/app"}, nil, denied(who, "kms", "CreateAlias"))
		}
	}
}

// scanner is the posture product's nightly visit from its own account.
func (w *world) scanner(day time.Time) {
	for _, acc := range []int{management, production, development, data} {
		w.now = day.Add(3*time.Hour + time.Duration(w.r.IntN(20))*time.Minute)
		who := roleSession(acc, "posture-scanner", "nightly", "ASIA"+w.upper(16), "52.18.77.3", boto)
		w.call(identity{acc: acc, ip: "52.18.77.3", agent: boto, user: m{"type": "AWSAccount", "principalId": "AROASCANNER:nightly", "accountId": scannerAccount}}, "sts", "AssumeRole",
			m{"roleArn": "arn:aws:iam::" + accounts[acc].id + ":role/posture-scanner", "roleSessionName": "nightly", "externalId": "x9"}, m{"credentials": m{"accessKeyId": who.key}, "assumedRoleUser": m{"arn": who.user["arn"]}})
		names := []string{"ListUsers", "ListRoles", "ListPolicies", "GetAccountPasswordPolicy", "DescribeInstances", "DescribeSnapshots", "DescribeSecurityGroups", "ListBuckets", "GetBucketAcl", "GetBucketPolicy", "DescribeDBInstances", "ListFunctions20150331", "ListKeys", "DescribeTrails", "GetTrailStatus", "ListSecrets", "DescribeFlowLogs", "ListDetectors", "ListTopics", "ListQueues"}
		for n := range 160 {
			w.jitter(time.Second)
			name := names[n%len(names)]
			opts := m{}
			if n%47 == 0 {
				opts = denied(who, "x", name)
			}
			w.call(who, []string{"iam", "iam", "iam", "iam", "ec2", "ec2", "ec2", "s3", "s3", "s3", "rds", "lambda", "kms", "cloudtrail", "cloudtrail", "secretsmanager", "ec2", "guardduty", "sns", "sqs"}[n%len(names)], name, nil, nil, opts)
		}
	}
}

// services are AWS at work: scaling, backups, configuration recording.
func (w *world) services(day time.Time, scale float64) {
	for acc := range accounts {
		w.now = day
		for range int(30 * scale) {
			w.jitter(45 * time.Minute)
			switch w.r.IntN(5) {
			case 0:
				w.call(service(acc, "autoscaling.amazonaws.com"), "ec2", "RunInstances", m{"instanceType": "m7g.large"}, m{"instancesSet": m{"items": []any{m{"instanceId": "i-" + w.hex(17)}}}})
			case 1:
				w.call(service(acc, "autoscaling.amazonaws.com"), "ec2", "TerminateInstances", m{"instancesSet": m{"items": []any{m{"instanceId": "i-" + w.hex(17)}}}}, nil)
			case 2:
				w.call(service(acc, "config.amazonaws.com"), "sts", "AssumeRole", m{"roleArn": "arn:aws:iam::" + accounts[acc].id + ":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig", "roleSessionName": "configLambdaExecution"}, m{"credentials": m{"accessKeyId": "ASIA" + w.upper(16)}})
			case 3:
				w.call(service(acc, "backup.amazonaws.com"), "ec2", "CreateSnapshot", m{"volumeId": "vol-" + w.hex(17)}, m{"snapshotId": "snap-" + w.hex(17)})
			default:
				w.call(service(acc, "cloudtrail.amazonaws.com"), "kms", "GenerateDataKey", m{"keyId": "k"}, nil)
			}
		}
	}
}

// notable are honest things that look like something; each happens on a day of the month.
func (w *world) notable(day time.Time, staff []person) {
	w.now = day.Add(10*time.Hour + time.Duration(w.r.IntN(300))*time.Minute)
	admin, operator, developer := &staff[22], &staff[17], &staff[2]
	switch day.Day() % 30 {
	case 2: // a legacy user rotates its own key
		who := user(production, "batch-legacy", "34.240.13.99", boto)
		w.call(who, "iam", "CreateAccessKey", m{"userName": "batch-legacy"}, m{"accessKey": m{"userName": "batch-legacy", "accessKeyId": "AKIA" + w.upper(16), "status": "Active"}})
		w.wait(10 * time.Minute)
		w.call(who, "iam", "DeleteAccessKey", m{"userName": "batch-legacy", "accessKeyId": "AKIAOLD"}, nil)
	case 5: // a typo at the door
		for range 3 {
			w.call(identity{acc: production, ip: operator.ip, agent: browser, user: m{"type": "IAMUser", "userName": "auditor", "accountId": accounts[production].id, "principalId": "AIDAAUDITOR"}}, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Failure"}, m{"errorMessage": "Failed authentication", "eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "No"}})
			w.wait(20 * time.Second)
		}
		w.call(identity{acc: production, ip: operator.ip, agent: browser, user: m{"type": "IAMUser", "userName": "auditor", "accountId": accounts[production].id, "principalId": "AIDAAUDITOR", "arn": "arn:aws:iam::" + accounts[production].id + ":user/auditor"}}, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "Yes"}})
	case 8: // a snapshot for the data account
		who := w.sso(operator, production)
		w.call(who, "ec2", "ModifySnapshotAttribute", m{"snapshotId": "snap-0c1", "attributeType": "CREATE_VOLUME_PERMISSION", "createVolumePermission": m{"add": m{"items": []any{m{"userId": accounts[data].id}}}}}, m{"_return": true})
	case 11: // on call: one session on one machine
		w.call(w.sso(operator, production), "ssm", "StartSession", m{"target": "i-0a2a3c4d5e6f708192"}, m{"sessionId": operator.name + "-0a1"})
	case 14: // an administrator makes a user for a vendor's appliance
		who := w.sso(admin, production)
		w.call(who, "iam", "CreateUser", m{"userName": "appliance"}, m{"user": m{"userName": "appliance"}})
	case 17: // break glass, with MFA
		w.call(identity{acc: management, ip: office, agent: browser, user: m{"type": "Root", "principalId": accounts[management].id, "arn": "arn:aws:iam::" + accounts[management].id + ":root", "accountId": accounts[management].id}}, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "Yes"}})
	case 20: // a developer travels
		home := developer.ip
		developer.ip = "88.12.44.19" // a Spanish provider
		who := w.sso(developer, development)
		for range 12 {
			w.jitter(5 * time.Minute)
			t := pick(w.r, daily["DeveloperAccess"])
			w.call(who, t.service, t.name, t.request, nil)
		}
		developer.ip = home
	case 23: // a function by hand, in the sandbox
		w.call(w.sso(developer, sandbox), "lambda", "UpdateFunctionCode20150331v2", m{"functionName": "experiment"}, nil)
	case 26: // a restore test
		w.call(w.sso(operator, staging), "rds", "RestoreDBInstanceFromDBSnapshot", m{"dBInstanceIdentifier": "restore-test", "dBSnapshotIdentifier": "nightly", "publiclyAccessible": false}, nil)
	case 28: // someone explores what he may not
		who := w.sso(developer, staging)
		for _, name := range []string{"ListSecrets", "ListKeys", "ListUsers", "DescribeTrails"} {
			w.jitter(30 * time.Second)
			w.call(who, "iam", name, nil, nil, denied(who, "iam", name))
		}
	}
}
