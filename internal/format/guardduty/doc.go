// Package guardduty reads the findings of Amazon GuardDuty.
//
// In: decompressed bytes: findings as GuardDuty exports them to S3 (one a line), as its API gives them (in "findings", also with
// the capitals of the SDKs), or in EventBridge events, also by way of SNS and SQS. Out: OCSF Detection Findings, or unreadable records with
// position and reason. An update of a finding is an event of its own; what joins them is finding_info.uid. Members that
// the SDKs write with a capital are read with a small letter, as in the service's own JSON, and kept so.
package guardduty
