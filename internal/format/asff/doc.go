// Package asff reads findings in the AWS Security Finding Format, as Security Hub gives them.
//
// In: decompressed bytes: bare findings, lists of them in "Findings", or EventBridge events of Security Hub, also by way of SNS and SQS.
// Out: OCSF findings by what they are: with a result of a control a Compliance Finding, with vulnerabilities a Vulnerability
// Finding, else a Detection Finding; or unreadable records with position and reason. An update of a finding is an event of its own;
// what joins them is finding_info.uid.
package asff
