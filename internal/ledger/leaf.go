package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Kind names the sort of a leaf as it stands in the log.
type Kind string

// The kinds of leaves.
const (
	KindObjectReceived Kind = "object-received"
	KindFileAdded      Kind = "file-added"
	KindFilesReplaced  Kind = "files-replaced"
	KindFileExpired    Kind = "file-expired"
	KindEvidence       Kind = "evidence"
	KindAction         Kind = "action"
	KindRuleVersion    Kind = "rule-version"
	KindRuleSet        Kind = "rule-set"
	KindDigestVerdict  Kind = "digest-verdict"
	KindKeyRotated     Kind = "key-rotated"
)

// Leaf is one thing that happened. Its fields are declared in the order of their JSON names, which makes the written line canonical.
type Leaf interface {
	// Kind is the sort of the leaf.
	Kind() Kind
	// Subject is what the leaf is about, as a person would name it: a path, a key, an identifier.
	Subject() string
	// check says what is missing.
	check() error
}

// Hash is a SHA-256 value, written as 64 hexadecimal digits.
type Hash [32]byte

// String gives the 64 digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the 64 digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads the 64 digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("hash has %d digits (want %d)", len(text), hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// File is a data file of the lake as it was when it was written.
type File struct {
	Finder string `json:"finder"` // FinderOf the hashes of its events in the order of their rows; "" where nobody made one
	Path   string `json:"path"`   // as the FileSource names it
	Root   Hash   `json:"root"`   // EventRoot over the SHA-256 of each event's raw bytes
	Rows   int64  `json:"rows"`   // events in the file
	SHA256 Hash   `json:"sha256"` // of the file's bytes
}

func (f File) check() error {
	if f.Rows < 0 {
		return fmt.Errorf("file %q: %d rows", f.Path, f.Rows)
	}
	return need("path", f.Path)
}

// ObjectReceived says what a source delivered, before anything was done to it.
type ObjectReceived struct {
	Bytes  int64  `json:"bytes"` // as delivered
	ETag   string `json:"etag"`
	Key    string `json:"key"`
	SHA256 Hash   `json:"sha256"` // as delivered
	Source string `json:"source"`
}

// FileAdded says that a snapshot of the lake added a file.
type FileAdded struct {
	File     File  `json:"file"`
	Snapshot int64 `json:"snapshot"`
}

// FilesReplaced says that a compaction put new files in the place of old ones, and that both hold the same set of events. A
// compaction that is too long for one leaf stands in several parts; ProveReplaced makes them.
type FilesReplaced struct {
	Duplicates int64    `json:"duplicates"` // rows that the compaction dropped as they stood there twice
	EventSet   Hash     `json:"event_set"`  // EventRoot over the distinct hashes, equal for the old and the new files
	New        []File   `json:"new"`        // of this part
	Old        []string `json:"old"`        // paths, of this part
	Part       int      `json:"part"`       // from 1
	Parts      int      `json:"parts"`
	Snapshot   int64    `json:"snapshot"`
}

// FileExpired says that a file may be deleted, under which policy, and who allowed it.
type FileExpired struct {
	Approver string `json:"approver"`
	Path     string `json:"path"`
	Policy   string `json:"policy"`
}

// UnprovenPolicy begins the policy of a FileExpired whose file a compaction replaced, where a damaged file made it impossible to prove that the new
// files hold its events. Verify names such files.
const UnprovenPolicy = "compaction without proof, as a data file could not be read"

// Evidence says that a sealed package of evidence was made.
type Evidence struct {
	Bytes    int64  `json:"bytes"`
	ID       string `json:"id"`
	Incident string `json:"incident"`
	SHA256   Hash   `json:"sha256"` // of the sealed package
}

// Action says that a step of a response was taken: its intent before the call, its outcome after.
type Action struct {
	Action   string `json:"action"` // the action's identifier
	Approver string `json:"approver"`
	Journal  Hash   `json:"journal"` // SHA-256 of the journal's entry
	Phase    string `json:"phase"`   // intent, done, failed, undone
	Run      string `json:"run"`
	Target   string `json:"target"`
}

// RuleVersion says that a rule was put into force, or withdrawn.
type RuleVersion struct {
	Author  string `json:"author"`
	ID      string `json:"id"`
	SHA256  Hash   `json:"sha256"` // of the rule's file
	State   string `json:"state"`  // RuleInForce or RuleWithdrawn
	Title   string `json:"title"`
	Version string `json:"version"`
}

// The states of a RuleVersion.
const (
	RuleInForce   = "in-force"
	RuleWithdrawn = "withdrawn"
)

// RuleSet says that the rules in force are, from its time on, those that the RuleVersions before it leave.
type RuleSet struct {
	Rules  int  `json:"rules"`
	SHA256 Hash `json:"sha256"` // RuleSetHash of them
}

// DigestVerdict says what the check of a vendor's own digest file (CloudTrail log file integrity) gave.
type DigestVerdict struct {
	Key     string `json:"key"` // of the digest file
	Reason  string `json:"reason"`
	SHA256  Hash   `json:"sha256"` // of the digest file
	Source  string `json:"source"`
	Verdict string `json:"verdict"` // valid, invalid, missing
}

// KeyRotated hands the log from one key to the next. Only Rotate writes it.
type KeyRotated struct {
	New       string `json:"new"`       // verifier key in the form of golang.org/x/mod/sumdb/note
	Old       string `json:"old"`       // likewise
	Signature string `json:"signature"` // signature line of a note, by the old key
}

// Kind gives KindObjectReceived.
func (ObjectReceived) Kind() Kind { return KindObjectReceived }

// Kind gives KindFileAdded.
func (FileAdded) Kind() Kind { return KindFileAdded }

// Kind gives KindFilesReplaced.
func (FilesReplaced) Kind() Kind { return KindFilesReplaced }

// Kind gives KindFileExpired.
func (FileExpired) Kind() Kind { return KindFileExpired }

// Kind gives KindEvidence.
func (Evidence) Kind() Kind { return KindEvidence }

// Kind gives KindAction.
func (Action) Kind() Kind { return KindAction }

// Kind gives KindRuleVersion.
func (RuleVersion) Kind() Kind { return KindRuleVersion }

// Kind gives KindRuleSet.
func (RuleSet) Kind() Kind { return KindRuleSet }

// Kind gives KindDigestVerdict.
func (DigestVerdict) Kind() Kind { return KindDigestVerdict }

// Kind gives KindKeyRotated.
func (KeyRotated) Kind() Kind { return KindKeyRotated }

// Subject gives the object's key.
func (l ObjectReceived) Subject() string { return l.Key }

// Subject gives the file's path.
func (l FileAdded) Subject() string { return l.File.Path }

// Subject gives the first path of the part.
func (l FilesReplaced) Subject() string {
	if len(l.New) > 0 {
		return l.New[0].Path
	}
	if len(l.Old) > 0 {
		return l.Old[0]
	}
	return ""
}

// Subject gives the file's path.
func (l FileExpired) Subject() string { return l.Path }

// Subject gives the package's identifier.
func (l Evidence) Subject() string { return l.ID }

// Subject gives the action and its target.
func (l Action) Subject() string { return l.Action + " " + l.Target }

// Subject gives the rule's identifier.
func (l RuleVersion) Subject() string { return l.ID }

// Subject gives the hash of the set.
func (l RuleSet) Subject() string { return l.SHA256.String() }

// Subject gives the digest file's key.
func (l DigestVerdict) Subject() string { return l.Key }

// Subject gives the new key.
func (l KeyRotated) Subject() string { return l.New }

func (l ObjectReceived) check() error {
	return errors.Join(need("source", l.Source), need("key", l.Key))
}

func (l FileAdded) check() error { return l.File.check() }

func (l FilesReplaced) check() error {
	if l.Part < 1 || l.Part > l.Parts {
		return fmt.Errorf("part %d of %d: make the leaf with ProveReplaced", l.Part, l.Parts)
	}
	var errs []error
	for _, f := range l.New {
		errs = append(errs, f.check())
	}
	for _, path := range l.Old {
		errs = append(errs, need("old path", path))
	}
	return errors.Join(errs...)
}

func (l FileExpired) check() error {
	return errors.Join(need("path", l.Path), need("policy", l.Policy))
}

func (l Evidence) check() error { return need("id", l.ID) }

func (l Action) check() error {
	return errors.Join(need("action", l.Action), need("run", l.Run), need("phase", l.Phase))
}

func (l RuleVersion) check() error {
	if l.State != RuleInForce && l.State != RuleWithdrawn {
		return fmt.Errorf("rule %q: state %q", l.ID, l.State)
	}
	return need("id", l.ID)
}

func (l RuleSet) check() error {
	if l.Rules < 0 {
		return fmt.Errorf("%d rules", l.Rules)
	}
	return nil
}

func (l DigestVerdict) check() error {
	return errors.Join(need("key", l.Key), need("verdict", l.Verdict))
}

func (l KeyRotated) check() error {
	return errors.Join(need("old", l.Old), need("new", l.New), need("signature", l.Signature))
}

func need(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s is empty", name)
	}
	return nil
}
