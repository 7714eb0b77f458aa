package simulate

import (
	"fmt"
	"time"
)

// foreignBuild: a build of somebody else's repository opens a deployment role, has an administrator made by a stack, and goes on to production.
//
// Sources: Google Cloud, Cloud Threat Horizons Report H1 2026 on UNC6426 (a stolen token of the build system, the role that it could open, a stack with
// CAPABILITY_NAMED_IAM that made an administrator, objects copied, machines terminated); Datadog Security Labs, "No keys attached", 2023 (trust
// policies that name the audience and not the repository).
var foreignBuild = attack{"foreign-build", "Foreign repository deploys an administrator", "Google Cloud Threat Horizons H1 2026 on UNC6426; Datadog, No keys attached: GitHub-to-AWS keyless authentication flaws, 2023", func(a *attackRun) {
	const from = "185.156.46.163"
	a.step("initial-access", "opens roles by builds of its own repository")
	a.build(staging, "terraform", "AccessDenied")
	a.jitter(4 * time.Minute)
	a.build(production, "github-deploy", "AccessDenied")
	a.jitter(2 * time.Minute)
	who := a.build(staging, "github-deploy", "")
	who.ip, who.agent = from, cli
	a.step("discovery", "looks what the role may do")
	a.jitter(3 * time.Minute)
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 3, "cloudformation:ListStacks", "ecr:DescribeRepositories", "iam:ListRoles", "ecs:ListClusters", "lambda:ListFunctions20150331", "secretsmanager:ListSecrets", "cloudformation:DescribeStacks")
	next := a.stackedAdministrator(who)
	a.step("lateral-movement", "goes on to production by the role that staging may take there")
	a.look(next, 0, "iam:ListRoles", "iam:GetRole", "organizations:DescribeOrganization")
	a.call(next, "sts", "AssumeRole", m{"roleArn": "arn:aws:iam::" + accounts[production].id + ":role/terraform", "roleSessionName": "deploy"}, nil, denied(next, "sts", "AssumeRole"))
	a.jitter(90 * time.Second)
	there := a.assume(next, production, "release-promotion", "deploy")
	a.jitter(2 * time.Minute)
	a.call(there, "sts", "GetCallerIdentity", nil, nil)
	a.look(there, 4, "s3:ListBuckets", "ec2:DescribeInstances", "rds:DescribeDBInstances", "kms:ListKeys", "s3:GetBucketPolicy", "s3:GetBucketLocation")
	a.step("collection", "copies objects and settings")
	for i := range 3 {
		a.jitter(10 * time.Second)
		a.call(there, "secretsmanager", "BatchGetSecretValue", m{"filters": []any{m{"key": "name", "values": []string{[]string{"prod/", "shared/", "ci/"}[i]}}}}, nil)
	}
	for i := range 45 {
		a.jitter(2 * time.Second)
		a.call(there, "s3", "GetObject", m{"bucketName": "example-assets", "key": fmt.Sprintf("exports/invoices-%03d.csv", i)}, nil, dataEvent, m{"additionalEventData": m{"bytesTransferredOut": 4 << 20}})
	}
	a.wait(40 * time.Minute)
	a.step("impact", "terminates machines")
	for range 2 {
		a.jitter(30 * time.Second)
		a.call(there, "ec2", "TerminateInstances", m{"instancesSet": m{"items": instanceIDs(a.world, 4)}}, m{"instancesSet": m{"items": instanceIDs(a.world, 4)}})
	}
	a.step("stealth", "removes its stack")
	a.jitter(5 * time.Minute)
	a.call(next, "cloudformation", "DeleteStack", m{"stackName": "ci-telemetry"}, nil)
}}

// build asks for a role by the build system's token of a foreign repository.
func (a *attackRun) build(acc int, role, failure string) identity {
	key := "ASIA" + a.upper(16)
	ip := fmt.Sprintf("20.57.%d.%d", a.r.IntN(250), a.r.IntN(250))
	next := roleSession(acc, role, "GitHubActions", key, ip, cli)
	arn := "arn:aws:iam::" + accounts[acc].id + ":role/" + role
	provider := "arn:aws:iam::" + accounts[acc].id + ":oidc-provider/token.actions.githubusercontent.com"
	sub := "repo:kestrel-tools/build-probe:ref:refs/heads/main"
	next.user["sessionContext"].(m)["webIdFederationData"] = m{"federatedProvider": provider, "attributes": m{}}
	answer := m{"credentials": m{"accessKeyId": key, "sessionToken": ""}, "assumedRoleUser": m{"arn": next.user["arn"], "assumedRoleId": next.user["principalId"]}, "subjectFromWebIdentityToken": sub, "audience": "sts.amazonaws.com", "provider": provider}
	failed := m{}
	if failure != "" {
		answer, failed = nil, m{"errorCode": failure, "errorMessage": "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	a.call(identity{acc: acc, ip: ip, agent: "aws-sdk-nodejs/2.1692.0", user: m{"type": "WebIdentityUser", "principalId": provider + ":sts.amazonaws.com:" + sub, "userName": sub, "identityProvider": provider}},
		"sts", "AssumeRoleWithWebIdentity", m{"roleArn": arn, "roleSessionName": "GitHubActions", "durationSeconds": 3600}, answer, failed)
	return next
}

// stackedAdministrator has a stack make an administrator role, and takes it. The first attempt forgets to say that it makes roles.
func (a *attackRun) stackedAdministrator(who identity) identity {
	a.step("privilege-escalation", "has a stack make an administrator")
	request := m{"stackName": "ci-telemetry", "templateURL": "https://ci-telemetry-cfn.s3.amazonaws.com/t.yaml"}
	a.jitter(11 * time.Minute)
	a.call(who, "cloudformation", "CreateStack", request, nil, m{"errorCode": "InsufficientCapabilitiesException", "errorMessage": "Requires capabilities : [CAPABILITY_NAMED_IAM]"})
	a.jitter(time.Minute)
	request = m{"stackName": "ci-telemetry", "templateURL": "https://ci-telemetry-cfn.s3.amazonaws.com/t.yaml", "capabilities": []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}}
	a.call(who, "cloudformation", "CreateStack", request, m{"stackId": "arn:aws:cloudformation:eu-west-1:" + accounts[who.acc].id + ":stack/ci-telemetry/" + a.uuid()})
	a.wait(4 * time.Second)
	stack := who
	stack.ip, stack.agent = "cloudformation.amazonaws.com", "cloudformation.amazonaws.com"
	stack.user = m{"invokedBy": "cloudformation.amazonaws.com"}
	for k, v := range who.user {
		stack.user[k] = v
	}
	a.call(stack, "iam", "CreateRole", m{"roleName": "ci-telemetry-exec", "assumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + accounts[who.acc].id + `:role/github-deploy"},"Action":"sts:AssumeRole"}]}`}, m{"role": m{"roleName": "ci-telemetry-exec"}})
	a.wait(2 * time.Second)
	a.call(stack, "iam", "AttachRolePolicy", m{"roleName": "ci-telemetry-exec", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
	a.jitter(time.Minute)
	a.call(who, "cloudformation", "DescribeStacks", m{"stackName": "ci-telemetry"}, nil)
	return a.assume(who, who.acc, "ci-telemetry-exec", "exec")
}
