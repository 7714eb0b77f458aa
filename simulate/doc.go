// Package simulate writes the logs of an organisation that does not exist, with labelled attacks in it.
//
// In: a seed and what to write. Out: a tree of files as AWS delivers them, or the same delivered as time passes (into a folder, S3, or sources that
// are pushed to); labels that say which events are whose attack, and the environment.yaml that such an organisation would keep. It is for
// demonstration and judgement: only the command line and tests import it, and it imports nothing of the product, so that neither can be bent to fit the other.
//
//	organisation.go  accounts, people, roles, addresses; fleet.go the machines
//	record.go        the shape of a CloudTrail record, by kind of caller
//	benign.go        ordinary days: people, CI, workloads, services, scanners, mistakes, notable but honest work
//	attacks.go       the table of attacks; attack_*.go one story each, written from a public incident report
//	generate.go      day after day: trail.go packs CloudTrail (unordered, sometimes twice, sometimes late), packer.go the other formats
//	lines.go         the other formats' records of the same days: network.go, shop.go, bucket.go; beside.go and guard.go of the attacks
//	tree.go          all of it as a tree
//	live.go          all of it as time passes: rate.go when, memory.go how far, target.go, push.go and store.go where to
//
// The same seed gives the same bytes. Identities, keys and ids are invented; addresses are of real networks, so that
// countries and networks mean something, and no one in particular is meant.
package simulate
