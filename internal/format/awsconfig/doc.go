// Package awsconfig reads what AWS Config records and tells.
//
// In: decompressed bytes: configuration snapshots and histories (configurationItems), and notifications of changes, of oversized
// changes and of compliance, as SNS, EventBridge and rules (invokingEvent) carry them. Out: an OCSF Cloud Resources Inventory Info for each
// item, a Compliance Finding for each change of compliance, or unreadable records with position and reason. A change keeps its
// difference in unmapped.configurationItemDiff. Notices that a file was delivered or a schedule is due hold nothing and are passed over.
package awsconfig
