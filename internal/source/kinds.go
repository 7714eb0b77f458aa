package source

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/pipeline"
)

// Kind is one way in.
type Kind struct {
	Name     string
	Title    string
	Settings []Setting
	// Open makes a door of settings that were checked against the list.
	Open func(settings map[string]string) (Door, error)
}

// Setting is one thing that a kind can be told.
type Setting struct {
	Name     string
	Required bool
	Help     string
}

// Door brings what lies behind it to the receiver.
type Door interface {
	// Run delivers until the context ends. Any other end is a failure, after which it is called again.
	Run(ctx context.Context, env Env) error
	// Test tries whether the door opens, and says in a sentence what is behind it.
	Test(ctx context.Context) (string, error)
}

// Env is what a door works with.
type Env struct {
	Source  string
	Receive func(ctx context.Context, d pipeline.Delivery) (pipeline.Receipt, error)
	// Refuse notes durably that what was announced cannot be had: it becomes a dead letter.
	Refuse func(ctx context.Context, d pipeline.Delivery, reason, detail string, raw []byte) error
	// Say tells people what the door does: "waiting", "failing" with why, or "done".
	Say   func(doing, why string)
	Desk  *desk.Desk
	Spool string // folder for what must be on disk to be read
	Log   *slog.Logger
	Now   func() time.Time
}

// Kinds lists the ways in.
func Kinds() []Kind {
	return []Kind{
		{"folder", "files in a folder, and those that come", []Setting{
			{"path", true, "the folder"}, {"every", false, "how often to look (default 2s)"}, {"settle", false, "how long a file must be left alone before it is read (default 1s)"},
		}, openFolder},
		{"http", "pushes to /api/v1/ingest/NAME, with a token of the source", nil, openPush},
		{"s3", "a bucket, by its notifications in an SQS queue, by listing, or both", []Setting{
			{"bucket", false, "the bucket to list"},
			{"prefix", false, "only objects below this"},
			{"queue", false, "URL of the SQS queue that gets the bucket's notifications"},
			{"region", false, "Region of both"},
			{"role", false, "role to assume"},
			{"external_id", false, "external id for the role"},
			{"endpoint", false, "another endpoint, for stores and emulators that speak S3"},
			{"accounts", false, "only these accounts, with commas between them"},
			{"regions", false, "only these Regions, likewise"},
			{"from", false, "list only days from this on (2026-03-01)"},
			{"to", false, "list only days before this"},
			{"every", false, "how often to list (default 5m; with a queue: when it opens); once: one time only"},
			{"as", false, "deliver in the name of this source"},
		}, openS3},
	}
}

// Check says everything that is wrong with a source, in one error.
func Check(s desk.Source) error {
	if err := desk.CheckName(s.Name); err != nil {
		return err
	}
	kind, ok := kindOf(s.Kind)
	if !ok {
		names := make([]string, 0, 4)
		for _, k := range Kinds() {
			names = append(names, k.Name)
		}
		return fmt.Errorf("source %s: %q is no kind of source; there are %s", s.Name, s.Kind, strings.Join(names, ", "))
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		if !slices.ContainsFunc(kind.Settings, func(k Setting) bool { return k.Name == name }) {
			wrong = append(wrong, fmt.Sprintf("%q is no setting of kind %s", name, kind.Name))
		}
	}
	for _, k := range kind.Settings {
		if k.Required && s.Settings[k.Name] == "" {
			wrong = append(wrong, fmt.Sprintf("%s is missing: %s", k.Name, k.Help))
		}
	}
	if len(wrong) == 0 {
		if _, err := kind.Open(s.Settings); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("source %s: %s", s.Name, strings.Join(wrong, "; "))
	}
	return nil
}

func kindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Test opens a source's door once and says what is behind it.
func Test(ctx context.Context, s desk.Source) (string, error) {
	if err := Check(s); err != nil {
		return "", err
	}
	kind, _ := kindOf(s.Kind)
	door, err := kind.Open(s.Settings)
	if err != nil {
		return "", err
	}
	return door.Test(ctx)
}

// durationOf reads a setting that is a span of time.
func durationOf(settings map[string]string, name string, otherwise time.Duration) (time.Duration, error) {
	text := settings[name]
	if text == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: %q is no span of time such as 30s", name, text)
	}
	return d, nil
}

// push is the door that others knock at: the API receives what is pushed.
type push struct{}

func openPush(map[string]string) (Door, error) { return push{}, nil }

// Run waits: there is nothing to fetch.
func (push) Run(ctx context.Context, _ Env) error {
	<-ctx.Done()
	return ctx.Err()
}

// Test has nothing to try.
func (push) Test(context.Context) (string, error) {
	return "it waits for pushes; make a token for it with: tocsin token add --source NAME", nil
}
