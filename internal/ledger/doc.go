// Package ledger keeps a signed Merkle log of what Tocsin received, wrote, replaced, expired, preserved and did, so that a later
// change to any of it shows, and names the file.
//
// In: typed leaves (leaf.go), from whoever did the thing. Out: their indexes, once a signed checkpoint commits to them; and a
// Report, for whoever doubts the lake and holds the folder and the first public key, but none of the writer's state.
//
// Life of an entry:
//
//  1. Append checks the leaf and writes it as one line of canonical JSON (wire.go): keys sorted, no spaces, whole numbers only.
//  2. Tessera's POSIX storage puts the line into tile/entries/…, its hash into tile/0/…, and the hashes above that into
//     tile/1/… and so on (https://c2sp.org/tlog-tiles), each file fsynced with its folder, under .state/treeState.lock.
//  3. Tessera signs a checkpoint (https://c2sp.org/tlog-checkpoint), at most every 100 ms, with the key of ledger.key (signer.go).
//  4. Append sees a checkpoint that covers the entry and returns. A kill before this point may lose the entry or keep it; so
//     the caller appends it again, and a repeated leaf is harmless.
//
// The folder holds ledger.key (private, mode 0600), ledger.pub (the first public key, never rewritten: give copies of it away),
// ledger.lock (one writer at a time) and Tessera's checkpoint, tile/ and .state/.
//
// A change of key (rotate.go) is itself a leaf, signed by the old key and naming the new. The old key may sign trees up to and
// including that leaf, the new one trees from there on. Verify (verify.go) walks this chain from the first public key; recomputes
// the tree from the leaves (tree.go); replays the leaves into the set of files that must exist (replay.go); and hashes each (files.go).
//
// Promises: what Append returned is in every later checkpoint. Verify writes nothing, and needs no lock: it may run beside the writer.
//
// Weak points, stated by their author. Who holds the private key and the folder can sign another history, and who holds the folder
// can put an older, truly signed state back; both show only against a checkpoint that was sent to a second place. A file's root
// tells that its events changed, not which: the one that changed is named only where the source still lists the hashes that were
// written beside the events, and these still make up the root. Of a compaction the leaf holds one root for both sides; once the old
// files are gone, only the new side can be recomputed.
package ledger
