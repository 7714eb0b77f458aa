package simulate

import (
	"fmt"
	"time"
)

// containerFoothold: a container of a web application is broken into; its role shows code and a state file with a user's key in another account, that
// key a mistake in a policy, and that an administrator whose containers then mine.
//
// Sources: Sysdig, "SCARLETEEL: operation leveraging Terraform, Kubernetes and AWS for data theft", 2023, and "SCARLETEEL 2.0: Fargate, Kubernetes
// and crypto", 2023 (task credentials, functions' code, a state file's key, CreateAccessKey where a deny missed a capital letter); AWS on a mining
// campaign over ECS and EC2, 2025 (a task definition of a public image, services of many tasks).
var containerFoothold = attack{"container-foothold", "Container's role leads to another account's administrator", "Sysdig, SCARLETEEL and SCARLETEEL 2.0, 2023; AWS security blog on a mining campaign over ECS and EC2, 2025", func(a *attackRun) {
	task := a.hex(32)
	who := roleSession(production, "storefront-task", task, "ASIA"+a.upper(16), "34.240.12.61", "aws-cli/1.38.14 md/Botocore#1.36.14 ua/2.0 os/linux#5.10.236 exec-env/AWS_ECS_FARGATE lang/python#3.9.21")
	a.step("discovery", "looks around from within the container")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 3, "s3:ListBuckets", "ecs:ListClusters", "iam:ListUsers", "lambda:ListFunctions20150331")
	a.step("credential-access", "takes the container's credentials out and searches code and files for more")
	a.jitter(25 * time.Minute)
	who.ip, who.agent = "45.9.148.221", boto
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	for _, f := range []string{"checkout-api", "mailer", "invoices", "webhooks", "auth"} {
		a.jitter(4 * time.Second)
		a.call(who, "lambda", "GetFunction20150331v2", m{"functionName": f}, nil)
	}
	a.call(who, "s3", "ListObjects", m{"bucketName": "example-infra-state"}, nil, dataEvent)
	for _, k := range []string{"network/terraform.tfstate", "storefront/terraform.tfstate", "tools/development.tfstate", "deploy/backup.sh"} {
		a.jitter(5 * time.Second)
		a.call(who, "s3", "GetObject", m{"bucketName": "example-infra-state", "key": k}, nil, dataEvent, m{"additionalEventData": m{"bytesTransferredOut": 80 << 10}})
	}
	a.call(who, "ssm", "GetParametersByPath", m{"path": "/", "recursive": true, "withDecryption": true}, nil)
	a.tries(who, "secretsmanager", "ListSecrets", nil)
	a.wait(2*time.Hour + 20*time.Minute)
	admin := a.capitalLetter()
	a.minesInContainers(admin)
}}

// capitalLetter goes on with a key from the state file, to an administrator's key that a policy meant to deny.
func (a *attackRun) capitalLetter() identity {
	who := user(development, "tf-tools", "45.9.148.221", boto)
	a.step("lateral-movement", "uses a key from the state file in another account")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 4, "iam:ListUsers", "iam:ListGroupsForUser", "iam:ListUserPolicies", "ec2:DescribeInstances", "iam:GetUserPolicy", "iam:ListAttachedUserPolicies", "iam:GetPolicyVersion", "s3:ListBuckets", "iam:ListAccessKeys")
	a.step("privilege-escalation", "makes a key for an administrator")
	for _, name := range []string{"admin", "adminhenrik", "build"} {
		a.jitter(20 * time.Second)
		a.tries(who, "iam", "CreateAccessKey", m{"userName": name})
	}
	a.jitter(6 * time.Minute)
	next := user(development, "AdminHenrik", "193.42.33.90", boto)
	a.call(who, "iam", "CreateAccessKey", m{"userName": "AdminHenrik"}, m{"accessKey": m{"userName": "AdminHenrik", "accessKeyId": next.key, "status": "Active"}})
	return next
}

// minesInContainers runs a public image on Fargate in three Regions.
func (a *attackRun) minesInContainers(who identity) {
	a.jitter(10 * time.Minute)
	a.step("discovery", "asks for quotas")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 0, "servicequotas:ListServiceQuotas", "ec2:DescribeRegions", "ecs:ListClusters", "ec2:DescribeSubnets")
	a.step("execution", "runs a public image as containers in three Regions")
	a.call(who, "iam", "CreateRole", m{"roleName": "ecsTaskExecutionRole2", "assumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}, m{"role": m{"roleName": "ecsTaskExecutionRole2"}})
	for i, region := range []string{"us-east-1", "us-west-2", "ap-southeast-1"} {
		who.region = region
		a.jitter(40 * time.Second)
		if i == 0 { // the first time in an account, a role of the service is missing
			a.call(who, "ecs", "CreateCluster", m{"clusterName": "default"}, nil, m{"errorCode": "InvalidParameterException", "errorMessage": "Unable to assume the service linked role. Please verify that the ECS service linked role exists."})
			a.call(who, "iam", "CreateServiceLinkedRole", m{"aWSServiceName": "ecs.amazonaws.com"}, nil)
			a.jitter(20 * time.Second)
		}
		a.call(who, "ecs", "CreateCluster", m{"clusterName": "default", "capacityProviders": []string{"FARGATE", "FARGATE_SPOT"}}, m{"cluster": m{"clusterName": "default", "status": "ACTIVE"}})
		a.call(who, "ecs", "RegisterTaskDefinition", m{
			"family": "web", "requiresCompatibilities": []string{"FARGATE"}, "networkMode": "awsvpc", "cpu": "16384", "memory": "32768", "executionRoleArn": "arn:aws:iam::" + accounts[who.acc].id + ":role/ecsTaskExecutionRole2",
			"containerDefinitions": []any{m{"name": "web", "image": "docker.io/waveline/nginx-lite:latest", "essential": true, "command": []string{"/run.sh"}}},
		}, m{"taskDefinition": m{"family": "web", "revision": 1}})
		a.jitter(15 * time.Second)
		a.call(who, "ecs", "CreateService", m{"cluster": "default", "serviceName": "web", "taskDefinition": "web:1", "launchType": "FARGATE", "desiredCount": 10, "networkConfiguration": m{"awsvpcConfiguration": m{"subnets": []string{"subnet-0" + a.hex(16)}, "assignPublicIp": "ENABLED"}}}, m{"service": m{"serviceName": "web"}})
		for n := range 3 {
			a.jitter(8 * time.Second)
			failed := m{}
			if n == 2 {
				failed = m{"errorCode": "ThrottlingException", "errorMessage": fmt.Sprintf("You've reached the limit on the number of vCPUs you can run concurrently (%d)", 6)}
			}
			a.call(who, "ecs", "RunTask", m{"cluster": "default", "taskDefinition": "web:1", "launchType": "FARGATE", "count": 10}, nil, failed)
		}
	}
}
