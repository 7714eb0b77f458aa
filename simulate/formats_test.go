package simulate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-security/tocsin/internal/format"
	"github.com/tocsin-security/tocsin/internal/ocsf"
	"github.com/tocsin-security/tocsin/internal/records"
	"github.com/tocsin-security/tocsin/simulate"
)

// read is what our own decoders made of a tree.
type read struct {
	events map[string]int             // by format
	ids    map[string]map[string]bool // of events, by format
	ips    map[string]map[string]int  // source addresses, by format
	lines  map[string][]string        // of each file

	judge bool // whether events are compared with OCSF's schema
}

func writeAll(t *testing.T, judge bool, attacks ...string) (*simulate.Labels, *read) {
	t.Helper()
	dir := t.TempDir()
	c := simulate.Config{Seed: 5, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 3, Scale: scale(judge), Attacks: attacks, Formats: []string{"all"}}
	labels, err := simulate.WriteTree(t.Context(), dir, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return labels, readTree(t, filepath.Join(dir, "logs"), judge)
}

// scale makes what is judged larger than what is only looked into.
func scale(judge bool) float64 {
	if judge {
		return 0.2
	}
	return 0.05
}

func readTree(t *testing.T, root string, judge bool) *read {
	t.Helper()
	out := &read{map[string]int{}, map[string]map[string]bool{}, map[string]map[string]int{}, map[string][]string{}, judge}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
			z, err := gzip.NewReader(bytes.NewReader(raw))
			if err != nil {
				return err
			}
			if raw, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		out.decode(t, filepath.ToSlash(name), raw)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *read) decode(t *testing.T, name string, raw []byte) {
	t.Helper()
	in := bufio.NewReaderSize(bytes.NewReader(raw), format.HeadSize)
	head, _ := in.Peek(format.HeadSize)
	which := format.Detect(head)
	if which < 0 {
		t.Fatalf("%s is not recognised", name)
	}
	f := format.All()[which]
	if want := layout(name); f.Name != want {
		t.Errorf("%s is recognised as %s, and lies where %s does", name, f.Name, want)
	}
	if r.ids[f.Name] == nil {
		r.ids[f.Name], r.ips[f.Name] = map[string]bool{}, map[string]int{}
	}
	r.lines[name] = strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	sink := ocsf.Sink{
		Event: func(e *ocsf.Event) error {
			r.events[f.Name]++
			r.ids[f.Name][strings.Clone(e.ID)] = true
			r.ips[f.Name][strings.Clone(e.Str(ocsf.SrcIP))]++
			if r.judge && (f.Name != "cloudtrail" || r.events[f.Name]%50 == 0) { // CloudTrail's are judged elsewhere
				if problems := ocsf.Validate(e.Object()); len(problems) > 0 {
					t.Errorf("%s: not valid OCSF: %v\n%s", name, problems, e.Raw)
				}
			}
			return nil
		},
		Unreadable: func(u ocsf.Unreadable) error {
			t.Errorf("%s: %s: %s", name, u.Reason, u.Detail)
			return nil
		},
	}
	if err := ocsf.NewDecoder(f.Shape(), records.Limits{}).Decode(t.Context(), in, name, sink); err != nil {
		t.Error(err)
	}
}

// layout is the format whose keys look like that, by AWS's guides.
func layout(key string) string {
	parts := strings.Split(key, "/")
	switch {
	case parts[0] == "s3access" && len(parts) == 8:
		return "s3access"
	case parts[0] != "AWSLogs":
		return ""
	case len(parts) == 9 && parts[3] == "CloudTrail":
		return "cloudtrail"
	}
	for service, at := range map[string]struct {
		format string
		parts  int
	}{"vpcflowlogs": {"vpcflow", 8}, "vpcdnsquerylogs": {"resolver", 8}, "elasticloadbalancing": {"alb", 8}, "WAFLogs": {"waf", 11}, "GuardDuty": {"guardduty", 8}} {
		if parts[2] == service && len(parts) == at.parts {
			return at.format
		}
	}
	return ""
}

func TestEveryFormatIsReadWithoutADeadLetter(t *testing.T) {
	t.Parallel()
	labels, got := writeAll(t, true, "all")
	for name, least := range map[string]int{"cloudtrail": 2000, "vpcflow": 2000, "resolver": 200, "alb": 300, "waf": 300, "s3access": 150, "guardduty": 9} {
		if got.events[name] < least {
			t.Errorf("%d events of %s, want at least %d", got.events[name], name, least)
		}
	}
	t.Logf("events: %v", got.events)
	named := map[string]int{}
	for _, a := range labels.Attacks {
		for _, s := range a.Steps {
			for _, id := range s.EventIDs {
				kind, ok := got.has(id)
				if !ok {
					t.Errorf("%s, %s: there is no event %s", a.ID, s.Name, id)
				}
				named[kind]++
			}
		}
	}
	for name := range got.events {
		if named[name] == 0 {
			t.Errorf("no label names an event of %s: %v", name, named)
		}
	}
}

// has finds the event that a label names: by its id, or by its object and line.
func (r *read) has(id string) (kind string, ok bool) {
	if path, number, isLine := strings.Cut(id, "#"); isLine {
		n, err := strconv.Atoi(number)
		lines := r.lines[path]
		return layout(path), err == nil && n >= 1 && n <= len(lines) && !strings.HasPrefix(lines[n-1], "version ")
	}
	for _, kind := range []string{"cloudtrail", "guardduty"} {
		if r.ids[kind][id] {
			return kind, true
		}
	}
	return "", false
}

// TestTheFormatsTellOneStory: who acts in CloudTrail is who is seen in the other logs.
func TestTheFormatsTellOneStory(t *testing.T) {
	t.Parallel()
	for attack, want := range map[string]struct {
		address string
		seen    []string
	}{
		"help-desk-takeover":   {"146.70.41.77", []string{"cloudtrail", "vpcflow", "alb", "waf", "guardduty"}},
		"instance-credentials": {"185.220.101.34", []string{"cloudtrail", "alb", "waf", "s3access", "guardduty"}},
		"bucket-ransom":        {"45.95.169.12", []string{"cloudtrail", "s3access", "guardduty"}},
	} {
		labels, got := writeAll(t, false, attack)
		for _, kind := range want.seen {
			if got.ips[kind][want.address] == 0 {
				t.Errorf("%s: %s does not show %s", attack, kind, want.address)
			}
		}
		a := labels.Attacks[0]
		for _, s := range a.Steps {
			for _, id := range s.EventIDs {
				path, number, isLine := strings.Cut(id, "#")
				n, _ := strconv.Atoi(number)
				if isLine && layout(path) != "vpcflow" && !strings.Contains(got.lines[path][n-1], want.address) {
					t.Errorf("%s: the labelled line has another address: %s", attack, got.lines[path][n-1])
				}
			}
		}
	}
	_, got := writeAll(t, false, "leaked-key-mining")
	looked := 0
	for path, lines := range got.lines {
		for _, line := range lines {
			if layout(path) == "resolver" && strings.Contains(line, "pool.supportxmr.com.") {
				looked++
				id := line[strings.Index(line, `"instance":"`)+len(`"instance":"`):]
				id = id[:strings.IndexByte(id, '"')]
				if !got.mentions("cloudtrail", id) || !got.mentions("vpcflow", id) || !got.mentions("guardduty", id) {
					t.Errorf("the miner %s is not in all logs", id)
				}
			}
		}
	}
	if looked < 10 {
		t.Errorf("%d machines looked the pool up", looked)
	}
}

func (r *read) mentions(kind, text string) bool {
	for path, lines := range r.lines {
		if layout(path) == kind && strings.Contains(strings.Join(lines, "\n"), text) {
			return true
		}
	}
	return false
}

// TestObjectReadsAreInBothLogs: each GetObject of CloudTrail is a line of the access log, by the same request.
func TestObjectReadsAreInBothLogs(t *testing.T) {
	t.Parallel()
	_, got := writeAll(t, false, "instance-credentials")
	var access strings.Builder
	for path, lines := range got.lines {
		if layout(path) == "s3access" {
			access.WriteString(strings.Join(lines, "\n"))
		}
	}
	reads := 0
	for path, lines := range got.lines {
		if layout(path) != "cloudtrail" {
			continue
		}
		var file struct {
			Records []struct{ EventName, RequestID string }
		}
		if err := json.Unmarshal([]byte(strings.Join(lines, "")), &file); err != nil {
			t.Fatal(err)
		}
		for _, x := range file.Records {
			if x.EventName != "GetObject" {
				continue
			}
			reads++
			if !strings.Contains(access.String(), " "+x.RequestID+" REST.GET.OBJECT ") {
				t.Fatalf("no access log line of the request %s", x.RequestID)
			}
		}
	}
	if reads < 70 {
		t.Errorf("%d reads", reads)
	}
}
