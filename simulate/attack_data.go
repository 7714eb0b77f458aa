package simulate

import "time"

// bucketRansom: objects are written again under a key that only the intruder knows.
var bucketRansom = attack{"bucket-ransom", "Objects encrypted with a foreign key", "Halcyon on Codefinger: S3 ransomware with SSE-C, 2025", func(a *attackRun) {
	who := user(data, "archive-sync", "45.95.169.12", "aws-sdk-go-v2/1.36.0 os/linux lang/go#1.23")
	a.step("discovery", "finds the buckets")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 0, "s3:ListBuckets", "s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:GetBucketObjectLockConfiguration")
	a.step("collection", "reads the objects")
	for i := range 40 {
		a.jitter(time.Second)
		a.call(who, "s3", "GetObject", m{"bucketName": "example-customer-records", "key": bucketKey(i)}, nil, dataEvent)
	}
	a.step("impact", "writes them back under its own key")
	for i := range 40 {
		a.jitter(time.Second)
		a.call(who, "s3", "CopyObject", m{"bucketName": "example-customer-records", "key": bucketKey(i), "x-amz-copy-source": "example-customer-records/" + bucketKey(i), "x-amz-server-side-encryption-customer-algorithm": "AES256"}, nil, dataEvent, m{"additionalEventData": m{"SSEApplied": "SSE_C"}})
	}
	a.step("impact", "has the rest deleted within a week")
	a.call(who, "s3", "PutBucketLifecycle", m{"bucketName": "example-customer-records", "LifecycleConfiguration": m{"Rule": m{"ID": "x", "Status": "Enabled", "Expiration": m{"Days": 7}}}}, nil)
	a.call(who, "s3", "PutObject", m{"bucketName": "example-customer-records", "key": "HOW_TO_RESTORE_FILES.txt"}, nil, dataEvent)
}}

// insiderCopy: someone who is leaving takes databases along, one a day.
var insiderCopy = attack{"insider-copy", "Leaving employee copies databases", "Case files of insider data theft: US v. Davies and others, 2020 to 2023; CERT insider threat guide, 2022", func(a *attackRun) {
	p := person{name: "paul.kaya@example.org", permission: "OperatorAccess", ip: "84.112.66.20", tool: browser}
	for day, name := range []string{"orders", "customers", "pricing"} {
		who := a.sso(&p, production)
		console := m{"sessionCredentialFromConsole": "true"}
		a.step("collection", "copies a database")
		a.call(who, "rds", "DescribeDBInstances", nil, nil, console)
		a.jitter(2 * time.Minute)
		a.call(who, "rds", "CreateDBSnapshot", m{"dBInstanceIdentifier": name, "dBSnapshotIdentifier": name + "-handover"}, nil, console)
		a.step("exfiltration", "shares the copy with a private account")
		a.jitter(15 * time.Minute)
		a.call(who, "rds", "ModifyDBSnapshotAttribute", m{"dBSnapshotIdentifier": name + "-handover", "attributeName": "restore", "valuesToAdd": []string{stranger}}, nil, console)
		a.call(who, "rds", "DescribeDBSnapshots", nil, nil, console)
		if day < 2 {
			a.wait(22 * time.Hour)
		}
	}
}}

// functionBackdoor: a developer's stolen session hides in a function that others call.
var functionBackdoor = attack{"function-backdoor", "Function altered, opened and tied to events", "Ermetic and Rhino Security Labs on Lambda persistence; Unit 42 on serverless credential theft, 2022", func(a *attackRun) {
	p := person{name: "nina.silva@example.org", permission: "DeveloperAccess", ip: "185.183.32.7", tool: cli}
	who := a.sso(&p, staging)
	a.step("discovery", "reads the functions with their settings")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.call(who, "lambda", "ListFunctions20150331", nil, nil)
	for _, f := range []string{"checkout-api", "mailer", "invoices", "thumbnails", "webhooks", "auth", "reports", "search"} {
		a.jitter(3 * time.Second)
		a.call(who, "lambda", "GetFunction20150331v2", m{"functionName": f}, nil)
	}
	a.step("persistence", "replaces code, adds a foreign layer, opens it")
	a.jitter(5 * time.Minute)
	a.call(who, "lambda", "UpdateFunctionCode20150331v2", m{"functionName": "webhooks"}, m{"functionName": "webhooks"})
	a.jitter(time.Minute)
	a.call(who, "lambda", "UpdateFunctionConfiguration20150331v2", m{"functionName": "webhooks", "layers": []string{"arn:aws:lambda:eu-west-1:" + stranger + ":layer:telemetry:3"}}, m{"functionName": "webhooks", "layers": []any{m{"arn": "arn:aws:lambda:eu-west-1:" + stranger + ":layer:telemetry:3"}}})
	a.call(who, "lambda", "AddPermission20150331v2", m{"functionName": "webhooks", "statementId": "s1", "action": "lambda:InvokeFunction", "principal": stranger}, m{"statement": "{}"})
	a.call(who, "lambda", "CreateFunctionUrlConfig", m{"functionName": "webhooks", "authType": "NONE"}, nil)
	a.step("execution", "has new users reported to it")
	a.call(who, "events", "PutRule", m{"name": "iam-watch", "eventPattern": `{"detail":{"eventName":["CreateUser"]}}`}, nil)
	a.call(who, "events", "PutTargets", m{"rule": "iam-watch", "targets": []any{m{"id": "1", "arn": "arn:aws:lambda:eu-west-1:" + accounts[staging].id + ":function:webhooks"}}}, nil)
	a.tries(who, "iam", "CreateUser", m{"userName": "deploy2"})
}}
