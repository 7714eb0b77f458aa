package simulate

import "time"

// leakedKeyMining: a key in a public repository, found within minutes, looks around and rents graphics cards in many Regions.
var leakedKeyMining = attack{"leaked-key-mining", "Leaked key rents mining machines", "Unit 42, EleKtra-Leak: cryptojacking from exposed IAM keys, 2023", func(a *attackRun) {
	who := user(development, "ci-legacy", "45.76.88.31", boto)
	a.step("discovery", "finds out whose key it is and what it may do")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 3, "iam:ListUsers", "iam:ListAttachedUserPolicies", "ec2:DescribeRegions", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeKeyPairs", "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeImages", "servicequotas:ListServiceQuotas", "s3:ListBuckets", "lambda:ListFunctions20150331", "ses:GetSendQuota", "iam:ListRoles", "ec2:DescribeAvailabilityZones", "organizations:DescribeOrganization")
	a.step("impact", "starts large machines in many Regions, some refused for quota")
	for i, region := range []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-west-2", "eu-north-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1", "ca-central-1"} {
		a.jitter(15 * time.Second)
		who.region = region
		a.call(who, "ec2", "CreateKeyPair", m{"keyName": "kp"}, nil)
		a.call(who, "ec2", "CreateSecurityGroup", m{"groupName": "sgg", "groupDescription": "x"}, m{"groupId": "sg-" + a.hex(17)})
		a.call(who, "ec2", "AuthorizeSecurityGroupIngress", m{"groupId": "sg-" + a.hex(17), "ipPermissions": m{"items": []any{m{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": m{"items": []any{m{"cidrIp": "0.0.0.0/0"}}}}}}}, m{"_return": true})
		request := m{"instanceType": []string{"g5.48xlarge", "p4d.24xlarge", "c6a.48xlarge"}[i%3], "instancesSet": m{"items": []any{m{"imageId": "ami-0" + a.hex(16), "minCount": 1, "maxCount": 8}}}}
		if i%3 == 1 {
			a.call(who, "ec2", "RunInstances", request, nil, m{"errorCode": "Client.VcpuLimitExceeded", "errorMessage": "You have requested more vCPU capacity than your current vCPU limit"})
			continue
		}
		a.call(who, "ec2", "RunInstances", request, m{"instancesSet": m{"items": instanceIDs(a.world, 8)}})
	}
	a.step("impact", "protects them from being stopped")
	who.region = "us-east-1"
	for range 3 {
		a.jitter(10 * time.Second)
		a.call(who, "ec2", "ModifyInstanceAttribute", m{"instanceId": "i-" + a.hex(17), "disableApiTermination": m{"value": true}}, m{"_return": true})
	}
}}

// modelHijack: stolen credentials are tried on foundation models and, where they work, sold.
var modelHijack = attack{"model-hijack", "Stolen key used for foundation models", "Sysdig, LLMjacking: stolen cloud credentials used in new AI attack, 2024", func(a *attackRun) {
	who := user(sandbox, "notebook-app", "146.70.165.20", boto)
	a.step("discovery", "asks whose key it is and whether use is logged")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.call(who, "bedrock", "GetModelInvocationLoggingConfiguration", nil, nil)
	a.look(who, 0, "bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles", "bedrock:GetFoundationModelAvailability")
	a.step("resource-development", "asks for access to models")
	a.call(who, "bedrock", "PutUseCaseForModelAccess", m{"formData": "x"}, nil)
	a.call(who, "bedrock", "CreateFoundationModelAgreement", m{"modelId": "example.model-3"}, nil)
	a.call(who, "bedrock", "PutFoundationModelEntitlement", m{"modelId": "example.model-3"}, nil)
	a.step("impact", "tries models in several Regions, then uses one heavily")
	for _, region := range []string{"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "eu-west-3"} {
		a.jitter(4 * time.Second)
		who.region = region
		a.call(who, "bedrock", "InvokeModel", m{"modelId": "example.model-3"}, nil, m{"errorCode": "ValidationException", "errorMessage": "max_tokens_to_sample: range: 1..1"})
	}
	who.region = "us-west-2"
	for range 60 {
		a.jitter(3 * time.Second)
		a.call(who, "bedrock", "InvokeModel", m{"modelId": "example.model-3"}, nil)
	}
}}

// mailFraud: a long-term key is turned into console access and the account's mail is used for phishing.
var mailFraud = attack{"mail-fraud", "Stolen key sends phishing mail", "Unit 42, JavaGhost's persistent phishing attacks from the cloud, 2025", func(a *attackRun) {
	who := user(staging, "newsletter", "193.29.13.44", boto)
	a.step("initial-access", "turns the key into a console session")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.jitter(time.Minute)
	id := accounts[staging].id
	key := "ASIA" + a.upper(16)
	fed := identity{acc: staging, ip: who.ip, agent: browser, key: key, region: "us-east-1", user: m{"type": "FederatedUser", "principalId": id + ":support", "arn": "arn:aws:sts::" + id + ":federated-user/support", "accountId": id, "accessKeyId": key}}
	a.call(who, "sts", "GetFederationToken", m{"name": "support", "policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}, m{"credentials": m{"accessKeyId": key}, "federatedUser": m{"arn": fed.user["arn"]}})
	a.call(fed, "signin", "ConsoleLogin", nil, m{"ConsoleLogin": "Success"}, m{"eventType": "AwsConsoleSignIn", "additionalEventData": m{"MFAUsed": "No"}})
	a.step("discovery", "looks at the mail service")
	a.look(fed, 0, "ses:GetAccount", "ses:GetSendQuota", "ses:ListIdentities", "ses:ListEmailIdentities", "ses:GetAccountSendingEnabled")
	a.step("persistence", "makes a user of its own")
	a.jitter(3 * time.Minute)
	a.call(who, "iam", "CreateUser", m{"userName": "ses-support"}, m{"user": m{"userName": "ses-support"}})
	a.jitter(20 * time.Second)
	a.call(who, "iam", "AttachUserPolicy", m{"userName": "ses-support", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
	a.call(who, "iam", "CreateLoginProfile", m{"userName": "ses-support", "passwordResetRequired": false}, m{"loginProfile": m{"userName": "ses-support"}})
	a.step("impact", "registers senders and sends")
	for _, d := range []string{"billing-notice.example", "parcel-help.example", "login-check.example"} {
		a.jitter(time.Minute)
		a.call(fed, "ses", "CreateEmailIdentity", m{"emailIdentity": d}, nil)
		a.call(fed, "ses", "PutEmailIdentityDkimAttributes", m{"emailIdentity": d, "signingEnabled": true}, nil)
	}
	a.call(fed, "ses", "PutAccountDetails", m{"productionAccessEnabled": true, "mailType": "MARKETING"}, nil)
	a.call(fed, "ses", "UpdateAccountSendingEnabled", m{"enabled": true}, nil)
}}
