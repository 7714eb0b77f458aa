// Package aws knows the words of AWS that a record quotes: ARNs, account ids, service names and IAM policy documents.
//
// In: strings from records, hostile ones included. Out: their parts, and for a policy document what it grants and to
// whom. It makes no call and knows no record format.
package aws
