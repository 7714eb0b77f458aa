// Package simulate writes the CloudTrail of an organisation that does not exist, with labelled attacks in it.
//
// In: a seed and what to write. Out: a tree of files as AWS delivers them, labels that say which events are whose
// attack, and the environment.yaml that such an organisation would keep. It is for demonstration and judgement: only
// the command line and tests import it, and it imports nothing of the product, so that neither can be bent to fit the other.
//
//	organisation.go  accounts, people, roles, addresses
//	record.go        the shape of a record, by kind of caller
//	benign.go        ordinary days: people, CI, workloads, services, scanners, mistakes, notable but honest work
//	attacks.go       the table of attacks; attack_*.go one story each, written from a public incident report
//	tree.go          files of five minutes, as delivered: unordered, sometimes twice, sometimes late
//
// The same seed gives the same bytes. Identities, keys and ids are invented; addresses are of real networks, so that
// countries and networks mean something, and no one in particular is meant.
package simulate
