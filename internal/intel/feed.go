package intel

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The bounds of one feed, and of all together. What meets one is said in State.Bound.
const (
	MaxBytes        = 64 << 20 // of one feed, unpacked
	MaxIndicators   = 1_000_000
	MaxAll          = 3_000_000
	maxProblems     = 100
	defaultEvery    = time.Hour
	defaultSureness = 50
	leastEvery      = time.Minute
	forgetAfter     = 90 * 24 * time.Hour // how long what a feed took back is still known, for events of before
)

// Feed is where intelligence comes from.
type Feed struct {
	Name       string        `json:"name" yaml:"name"`
	URL        string        `json:"url,omitempty" yaml:"url"`
	File       string        `json:"file,omitempty" yaml:"file"`
	Format     string        `json:"format,omitempty" yaml:"format"` // list, csv, stix, misp, warninglist; "" by content
	Kind       string        `json:"kind,omitempty" yaml:"kind"`     // ip, domain, url, hash; "" by what each line looks like
	Column     string        `json:"column,omitempty" yaml:"column"` // of a CSV: header or number from 1
	Confidence int           `json:"confidence,omitempty" yaml:"confidence"`
	Expires    time.Duration `json:"expires,omitempty" yaml:"expires"` // after it was last seen; 0: as the feed says
	Every      time.Duration `json:"every,omitempty" yaml:"every"`     // between two looks; default 1 h
	Tags       []string      `json:"tags,omitempty" yaml:"tags"`       // given to each indicator
	Allow      bool          `json:"allow,omitempty" yaml:"allow"`     // an allow-list: what it covers accuses nobody
}

var feedName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Formats lists the forms that a feed can have.
func Formats() []string { return []string{"list", "csv", "stix", "misp", "warninglist"} }

// Check says everything that is wrong with a feed's settings.
func (f *Feed) Check() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("feed %s: "+format, append([]any{f.Name}, args...)...))
	}
	if !feedName.MatchString(f.Name) {
		errs = append(errs, fmt.Errorf("%q is no name for a feed: use small letters, digits, dots and dashes, at most 63", f.Name))
	}
	switch {
	case f.URL == "" && f.File == "", f.URL != "" && f.File != "":
		fault("give a url or a file, one of the two")
	case f.URL != "" && !strings.HasPrefix(f.URL, "https://") && !strings.HasPrefix(f.URL, "http://"):
		fault("url %q is neither http nor https", f.URL)
	}
	if f.Format != "" && !slices.Contains(Formats(), f.Format) {
		fault("format %q is not one of %s", f.Format, strings.Join(Formats(), ", "))
	}
	if _, err := ParseKind(f.Kind); err != nil {
		fault("%v", err)
	}
	if f.Confidence < 0 || f.Confidence > 100 {
		fault("confidence %d is not between 0 and 100", f.Confidence)
	}
	if f.Expires < 0 || f.Every < 0 || f.Every > 0 && f.Every < leastEvery {
		fault("expires cannot be negative, and every is at least %s", leastEvery)
	}
	return errors.Join(errs...)
}

// sureness is the confidence of an indicator for which the feed gives none.
func (f *Feed) sureness() uint8 {
	if f.Confidence == 0 {
		return defaultSureness
	}
	return uint8(min(f.Confidence, 100)) //nolint:gosec // 0–100
}

// Due reports whether it is time to look again.
func (f *Feed) Due(checked, now time.Time) bool {
	every := f.Every
	if every == 0 {
		every = defaultEvery
	}
	return checked.IsZero() || now.Sub(checked) >= every || now.Before(checked)
}

// Problem is one thing of a feed that is not loaded.
type Problem struct {
	Line   int    `json:"line,omitempty"` // from 1; 0 where lines mean nothing
	Text   string `json:"text"`           // shortened
	Reason string `json:"reason"`
}

// Reading is what one reading of a feed's bytes gave: Entries = Loaded + Twice + Refused + NotUnderstood + Revoked.
type Reading struct {
	Format        string         `json:"format"`
	Entries       int            `json:"entries"`
	Twice         int            `json:"twice"` // named more than once
	Refused       int            `json:"refused"`
	NotUnderstood int            `json:"not_understood"`
	Revoked       int            `json:"revoked"`
	Reasons       map[string]int `json:"reasons,omitempty"` // of refused and not understood
	Problems      []Problem      `json:"problems,omitempty"`
	Bound         string         `json:"bound,omitempty"` // which bound was met, and what was left out
	Indicators    []Indicator    `json:"-"`
	Lists         []AllowList    `json:"-"`

	feed *Feed
	seen map[string]int // kind and value → Indicators
}

// Parse reads a feed's bytes. The error says that they are of no form that is known, or not of the one that was set; all else is in the
// Reading.
func (f *Feed) Parse(raw []byte) (*Reading, error) {
	r := &Reading{Format: f.Format, Reasons: map[string]int{}, feed: f, seen: map[string]int{}}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if r.Format == "" {
		r.Format = formatOf(f, raw)
	}
	read := map[string]func([]byte) error{"list": r.list, "csv": r.csv, "stix": r.stix, "misp": r.misp, "warninglist": r.warningList}[r.Format]
	if read == nil {
		return r, errors.New("JSON, but neither a STIX bundle, a MISP event nor a MISP warning list")
	}
	if err := read(raw); err != nil {
		return r, fmt.Errorf("read as %s: %w", r.Format, err)
	}
	if f.Allow && len(r.Indicators) > 0 {
		r.Lists = append(r.Lists, allowOf(f.Name, r.Indicators))
		r.Indicators = nil
	}
	return r, nil
}

// formatOf guesses by name and content.
func formatOf(f *Feed, raw []byte) string {
	head := raw[:min(len(raw), 64<<10)]
	trimmed := bytes.TrimSpace(head)
	name := strings.TrimSuffix(strings.ToLower(f.URL+f.File), ".gz")
	switch {
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '['):
		return jsonForm(raw)
	case strings.HasSuffix(name, ".csv"), f.Column != "":
		return "csv"
	}
	if header := csvHeader(head); header != nil {
		return "csv"
	}
	return "list"
}

// add takes one entry in: text as the feed has it. like carries what the entry says beside its value.
func (r *Reading) add(line int, text string, want Kind, like Indicator) {
	r.Entries++
	list, err := Read(text, want)
	if err != nil {
		r.refuse(line, text, err.Error())
		return
	}
	for i := range list {
		r.indicator(list[i], like, i > 0)
	}
}

func (r *Reading) indicator(i, like Indicator, more bool) {
	if more {
		r.Entries++ // a range, a pattern with several comparisons
	}
	i.Confidence, i.First, i.Last, i.Expires, i.Tags = like.Confidence, like.First, like.Last, like.Expires, like.Tags
	if len(r.feed.Tags) > 0 {
		i.Tags = append(slices.Clone(i.Tags), r.feed.Tags...)
	}
	key := i.Kind.String() + " " + i.Value
	if at, known := r.seen[key]; known {
		r.Twice++
		r.Indicators[at].merge(&i)
		return
	}
	if len(r.Indicators) >= MaxIndicators {
		r.Refused++
		r.Bound = fmt.Sprintf("the feed has more than %d indicators: %d of them are left out", MaxIndicators, r.countReason("beyond the bound of indicators"))
		return
	}
	r.seen[key] = len(r.Indicators)
	r.Indicators = append(r.Indicators, i)
}

func (r *Reading) countReason(reason string) int {
	r.Reasons[reason]++
	return r.Reasons[reason]
}

// merge joins two sayings of one feed about one thing: the surer, the longer.
func (i *Indicator) merge(o *Indicator) {
	i.Confidence = max(i.Confidence, o.Confidence)
	if i.First.IsZero() || !o.First.IsZero() && o.First.Before(i.First) {
		i.First = o.First
	}
	if o.Last.After(i.Last) {
		i.Last = o.Last
	}
	if !i.Expires.IsZero() && (o.Expires.IsZero() || o.Expires.After(i.Expires)) {
		i.Expires = o.Expires
	}
	for _, t := range o.Tags {
		if !slices.Contains(i.Tags, t) {
			i.Tags = append(slices.Clone(i.Tags), t)
		}
	}
}

func (r *Reading) refuse(line int, text, reason string) {
	r.Refused++
	r.problem(line, text, reason)
}

func (r *Reading) notUnderstood(text, reason string) {
	r.Entries++
	r.NotUnderstood++
	r.problem(0, text, reason)
}

func (r *Reading) problem(line int, text, reason string) {
	if r.Reasons[reason]++; len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{line, shorten(text), reason})
	}
}

// plain is what an entry says that gives no more than its value.
func (r *Reading) plain() Indicator { return Indicator{Confidence: r.feed.sureness()} }
