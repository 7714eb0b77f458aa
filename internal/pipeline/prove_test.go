package pipeline

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/format/cloudtrail"
	"github.com/tocsin-security/tocsin/internal/ledger"
	"github.com/tocsin-security/tocsin/internal/stream"
)

// proving is a receiver and a prover over real parts.
type proving struct {
	t        *testing.T
	dir      string
	now      time.Time
	desk     *desk.Desk
	receiver *Receiver
	prover   *Prover
	key      *rsa.PrivateKey
	last     map[string]any // the digest that was made last
	lastRaw  []byte
	lastSig  string
}

func newProving(t *testing.T) *proving {
	t.Helper()
	p := &proving{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	var err error
	if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if p.desk, err = desk.Open(t.Context(), filepath.Join(p.dir, "desk.db")); err != nil {
		t.Fatal(err)
	}
	s, err := stream.Open(t.Context(), stream.Options{Dir: filepath.Join(p.dir, "stream"), MaxBytes: stream.MinBytes, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: filepath.Join(p.dir, "ledger"), Origin: "test.example/ledger"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = l.Close(), s.Close(), p.desk.Close() })
	now := func() time.Time { return p.now }
	p.receiver = &Receiver{Stream: s, Desk: p.desk, Now: now}
	p.prover = &Prover{Desk: p.desk, Ledger: l, Keys: cloudtrail.PublicKeys{"f1": &p.key.PublicKey}, Now: now}
	return p
}

func (p *proving) give(name string, content []byte, signature string) Receipt {
	p.t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(content); err != nil || z.Close() != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.t.TempDir(), name)
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		p.t.Fatal(err)
	}
	inv, err := collect.List(p.t.Context(), []string{path}, nil, collect.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer inv.Close() //nolint:errcheck // a test
	r, err := p.receiver.Receive(p.t.Context(), Delivery{Source: "trail", Object: "s3://logs/" + name, ETag: hex.EncodeToString(packed.Bytes()[:8]), Signature: signature, Received: p.now, Inventory: inv})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// digest makes the digest of an hour over log files, chained to the one before.
func (p *proving) digest(hour string, logs map[string][]byte) (name string, raw []byte, signature string) {
	p.t.Helper()
	name = "1_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260310T" + hour + "0000Z.json.gz"
	doc := map[string]any{
		"awsAccountId": "1", "digestStartTime": "2026-03-10T00:00:00Z", "digestEndTime": "2026-03-10T" + hour + ":00:00Z", "digestS3Bucket": "logs", "digestS3Object": name,
		"digestPublicKeyFingerprint": "f1", "digestSignatureAlgorithm": "SHA256withRSA", "previousDigestS3Object": nil, "previousDigestHashValue": nil, "previousDigestSignature": nil,
	}
	if p.last != nil {
		sum := sha256.Sum256(p.lastRaw)
		doc["previousDigestS3Object"], doc["previousDigestHashValue"], doc["previousDigestSignature"] = p.last["digestS3Object"], hex.EncodeToString(sum[:]), p.lastSig
	}
	list := []any{}
	for log, content := range logs {
		sum := sha256.Sum256(content)
		list = append(list, map[string]any{"s3Bucket": "logs", "s3Object": log, "hashValue": hex.EncodeToString(sum[:]), "hashAlgorithm": "SHA-256"})
	}
	doc["logFiles"] = list
	raw, err := json.Marshal(doc)
	if err != nil {
		p.t.Fatal(err)
	}
	d, err := cloudtrail.ParseDigest(raw)
	if err != nil {
		p.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(d.Signed()))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	p.last, p.lastRaw, p.lastSig = doc, raw, hex.EncodeToString(sig)
	return name, raw, p.lastSig
}

func (p *proving) want(object, verdict, reason string) {
	p.t.Helper()
	if err := p.prover.Prove(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	list, err := p.desk.Digests(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, d := range list {
		if strings.HasSuffix(d.Object, object) {
			if d.Verdict != verdict || !strings.Contains(d.Reason, reason) {
				p.t.Errorf("%s is %q (%s), want %q with %q", object, d.Verdict, d.Reason, verdict, reason)
			}
			return
		}
	}
	p.t.Errorf("%s is not among %d digests", object, len(list))
}

// alerts compares the alerts on digests, by the object that they name, with "status severity beginning of the sentence".
func (p *proving) alerts(want map[string]string) {
	p.t.Helper()
	page, err := p.desk.Alerts(p.t.Context(), access.Everything(), desk.Query{})
	if err != nil {
		p.t.Fatal(err)
	}
	if page.Total != len(want) {
		p.t.Errorf("%d alerts, want %d: %+v", page.Total, len(want), page.Items)
	}
	for object, says := range want {
		if !slices.ContainsFunc(page.Items, func(a desk.AlertRow) bool {
			return strings.HasPrefix(fmt.Sprintf("%s %s %s", a.Status, a.Severity, a.Sentence), says)
		}) {
			p.t.Errorf("no alert on %s says %q; there is %+v", object, says, page.Items)
		}
	}
}

// TestProofsEndWhereSourcesNeverRest: a commit waits for the proof of what was received, so a proof must not wait for what comes while it is written.
func TestProofsEndWhereSourcesNeverRest(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	p.give("0.json.gz", aLog, "")
	came := 0
	p.prover.Now = func() time.Time { // each look at the clock comes after a leaf was written, and by then one more object was received
		if came < 20 {
			came++
			p.give(fmt.Sprint(came, ".json.gz"), bytes.ReplaceAll(aLog, []byte("ListUsers"), fmt.Append(nil, "List", came)), "")
		}
		return p.now
	}
	if err := p.prover.Prove(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := p.desk.Unledgered(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	if came >= 20 || len(left) != came {
		t.Errorf("one call went on until %d more objects were received; %d wait for the next", came, len(left))
	}
}

// TestAMissingKeyIsOneAlert: a source whose keys nobody gave has many digests that cannot be verified, and that is one thing to do.
func TestAMissingKeyIsOneAlert(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	keys := p.prover.Keys
	p.prover.Keys = nil
	for _, hour := range []string{"01", "02", "03"} {
		p.give(p.digest(hour, nil))
	}
	p.now = p.now.Add(3 * time.Hour)
	if err := p.prover.Prove(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.alerts(map[string]string{"trail": "new medium The digest files of CloudTrail in source trail cannot be verified, first s3://logs/1_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260310T0"})
	p.prover.Keys = keys
	p.now = p.now.Add(time.Hour)
	if err := p.prover.Prove(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.alerts(map[string]string{"trail": "closed medium Over since 2026-03-10T16:00:00Z, after 1 h 0 min. "})
}

var aLog = []byte(`{"Records":[{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","accountId":"111111111111"},"eventTime":"2026-03-10T00:10:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-000000000001","recipientAccountId":"111111111111"}]}`)

func TestDigestsAreVerified(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	if r := p.give("a.json.gz", aLog, ""); r.Records != 1 {
		t.Fatalf("receipt %+v", r)
	}
	one, raw, sig := p.digest("01", map[string][]byte{"a.json.gz": aLog})
	if r := p.give(one, raw, sig); r.Digests != 1 || r.Records+r.Unreadable != 0 {
		t.Errorf("a digest counts as records: %+v", r)
	}
	p.want(one, digestValid, "1 log files")

	// Its signature comes with the digest after it, as in a folder; and one log file is late.
	two, raw, _ := p.digest("02", map[string][]byte{"late.json.gz": aLog})
	p.give(two, raw, "")
	p.want(two, "", "")
	p.now = p.now.Add(3 * time.Hour)
	p.want(two, digestMissing, "signature did not come")
	three, raw3, sig3 := p.digest("03", nil)
	p.give(three, raw3, sig3)
	p.want(two, digestMissing, "late.json.gz")
	p.give("late.json.gz", aLog, "")
	p.want(two, digestValid, "1 log files")
	p.want(three, digestValid, "0 log files")

	// What was changed on its way.
	four, raw4, sig4 := p.digest("04", map[string][]byte{"changed.json.gz": aLog})
	p.give("changed.json.gz", bytes.ReplaceAll(aLog, []byte("ListUsers"), []byte("ListRoles")), "")
	p.give(four, raw4, sig4)
	p.want(four, digestInvalid, "changed.json.gz")
	five, raw5, sig5 := p.digest("05", nil)
	p.give(five, bytes.ReplaceAll(raw5, []byte("digestStartTime\":\"2026"), []byte("digestStartTime\":\"2025")), sig5)
	p.want(five, digestInvalid, "signature")
	six, raw6, sig6 := p.digest("06", nil)
	p.give(six, raw6, sig6)
	p.want(six, digestInvalid, "another hash")

	// What is not valid is an alert, once for an object; what came after all ended its own.
	p.alerts(map[string]string{
		two:  "closed medium Over since 2026-03-10T15:00:00Z, after 0 s. The digest file s3://logs/" + two + " of CloudTrail cannot be verified: a log file that it lists did not come: late.json.gz",
		four: "new high The digest file s3://logs/" + four + " of CloudTrail is invalid: the log file changed.json.gz was not received as CloudTrail wrote it",
		five: "new high The digest file s3://logs/" + five + " of CloudTrail is invalid: ",
		six:  "new high The digest file s3://logs/" + six + " of CloudTrail is invalid: the digest before it, ",
	})
	for range 2 {
		p.now = p.now.Add(time.Hour)
		if err := p.prover.Prove(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	r, err := ledger.Verify(t.Context(), filepath.Join(p.dir, "ledger"), p.prover.Ledger.PublicKey(), nil, time.Time{}, time.Time{})
	if err != nil || len(r.Problems) > 0 {
		t.Fatal(err, r.Problems)
	}
	if r.Leaves[ledger.KindObjectReceived] != 9 || r.Leaves[ledger.KindDigestVerdict] != 8 {
		t.Errorf("leaves %v: want 9 objects, and 8 verdicts (one digest has three)", r.Leaves)
	}
}
