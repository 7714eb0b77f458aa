package hunt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/access"
)

// File is a hunt as it is kept: NAME.yaml in a folder, for people and for version control.
type File struct {
	Name     string `yaml:"-" json:"name"`
	Title    string `yaml:"title" json:"title"`
	Question string `yaml:"question" json:"question"` // what is wanted to be known, in words
	Query    Query  `yaml:"query" json:"query"`
	Notes    string `yaml:"notes,omitempty" json:"notes,omitempty"` // Markdown
	Owner    string `yaml:"owner,omitempty" json:"owner,omitempty"`
	Span     string `yaml:"span,omitempty" json:"span,omitempty"`     // how far back a run looks: 24h, 7d; "" is all
	Every    string `yaml:"every,omitempty" json:"every,omitempty"`   // how often tocsin serve runs it by itself; "" is never
	Notify   string `yaml:"notify,omitempty" json:"notify,omitempty"` // alert: what is new makes an alert; else it is only kept
	Result   *Kept  `yaml:"result,omitempty" json:"result,omitempty"` // of the last run that was kept
}

// Query is one of SQL, a filter and a Sigma rule.
type Query struct {
	SQL    string `yaml:"sql,omitempty" json:"sql,omitempty"`
	Filter string `yaml:"filter,omitempty" json:"filter,omitempty"`
	Sigma  string `yaml:"sigma,omitempty" json:"sigma,omitempty"`
}

// Kept is what is kept of a run: figures, no content of logs. Accounts counts the hits by account, where the answer names them.
type Kept struct {
	At       time.Time        `yaml:"at" json:"at"`
	By       string           `yaml:"by" json:"by"`
	Hits     int64            `yaml:"hits" json:"hits"`
	More     bool             `yaml:"more,omitempty" json:"more,omitempty"`
	Accounts map[string]int64 `yaml:"accounts,omitempty" json:"accounts,omitempty"`
	Error    string           `yaml:"error,omitempty" json:"error,omitempty"`
	Millis   int64            `yaml:"millis" json:"millis"`
}

// Within is what a Scope may see of a result: the hits in its accounts.
func (k *Kept) Within(scope access.Scope) *Kept {
	if k == nil || scope.All() {
		return k
	}
	own := *k
	own.Hits, own.Accounts, own.Error = 0, map[string]int64{}, ""
	for account, n := range k.Accounts {
		if scope.Sees(account) {
			own.Accounts[account] = n
			own.Hits += n
		}
	}
	return &own
}

// Folder is where hunts are kept.
type Folder struct{ Dir string }

// ErrNoHunt says that there is no hunt of a name.
var ErrNoHunt = errors.New("there is no such hunt")

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

const (
	maxHuntFile = 256 << 10
	leastEvery  = time.Minute
)

func (f Folder) path(name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", MistakeError{fmt.Sprintf("%.70q is no name of a hunt: small letters, digits, - and _, at most 64", name)}
	}
	if f.Dir == "" {
		return "", MistakeError{"there is no folder of hunts here"}
	}
	return filepath.Join(f.Dir, name+".yaml"), nil
}

// List reads all hunts, in order of name. Files that are wrong are told beside those that are right.
func (f Folder) List() ([]File, error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []File{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list hunts: %w", err)
	}
	out, wrong := []File{}, []error{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok || !nameForm.MatchString(name) || !e.Type().IsRegular() {
			continue
		}
		h, err := f.Load(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		out = append(out, h)
	}
	return out, errors.Join(wrong...)
}

// Load reads one.
func (f Folder) Load(name string) (File, error) {
	path, err := f.path(name)
	if err != nil {
		return File{}, err
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the name has no way out of the folder
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, fmt.Errorf("%s: %w", name, ErrNoHunt)
	}
	if err != nil {
		return File{}, fmt.Errorf("read the hunt %s: %w", name, err)
	}
	return ParseFile(name, raw)
}

// ParseFile reads the text of a hunt strictly.
func ParseFile(name string, raw []byte) (File, error) {
	if len(raw) > maxHuntFile {
		return File{}, MistakeError{fmt.Sprintf("the hunt %s has %d bytes (limit: %d)", name, len(raw), maxHuntFile)}
	}
	h := File{Name: name}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&h); err != nil {
		return h, MistakeError{fmt.Sprintf("the hunt %s does not read: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	return h, h.Check()
}

// Check says what is amiss with a hunt.
func (h *File) Check() error {
	given := 0
	for _, text := range []string{h.Query.SQL, h.Query.Filter, h.Query.Sigma} {
		if strings.TrimSpace(text) != "" {
			given++
		}
	}
	wrong := func(format string, args ...any) error {
		return MistakeError{fmt.Sprintf("the hunt %s: ", h.Name) + fmt.Sprintf(format, args...)}
	}
	if strings.TrimSpace(h.Title) == "" || strings.TrimSpace(h.Question) == "" {
		return wrong("give a title and the question in words")
	}
	if given != 1 {
		return wrong("its query has %d of sql, filter and sigma; give one", given)
	}
	if h.Query.Sigma != "" {
		if _, err := searchable(h.Query.Sigma); err != nil {
			return wrong("%v", err)
		}
	}
	if _, err := spanOf(h.Span); err != nil {
		return wrong("span: %v", err)
	}
	if every, err := spanOf(h.Every); err != nil || h.Every != "" && every < leastEvery {
		return wrong("every %q is no time such as 1h or 7d, of at least a minute", h.Every)
	}
	if h.Notify != "" && h.Notify != "alert" {
		return wrong("notify %q is not alert", h.Notify)
	}
	return nil
}

// spanOf reads 90m, 24h, 7d.
func spanOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err == nil && n == 1 && fmt.Sprintf("%dd", days) == text && days > 0 && days < 36_500 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, MistakeError{fmt.Sprintf("%.40q is no time such as 24h or 7d", text)}
	}
	return d, nil
}

// locks are held by who writes into a folder: what is read to be written again is not lost to another.
var locks sync.Map // folder to *sync.Mutex

// lock keeps other writers of this process out of the folder until the function that it returns is called.
func (f Folder) lock() (unlock func()) {
	m, _ := locks.LoadOrStore(filepath.Clean(f.Dir), &sync.Mutex{})
	l := m.(*sync.Mutex) //nolint:forcetypeassert // nothing else is stored
	l.Lock()
	return l.Unlock
}

// Change writes what change makes of the hunt of a name; of one that is not there, change is told nil. Nobody else writes meanwhile.
func (f Folder) Change(name string, change func(old *File) (File, error)) (File, error) {
	defer f.lock()()
	var old *File
	switch h, err := f.Load(name); {
	case err == nil:
		old = &h
	case !errors.Is(err, ErrNoHunt):
		return File{}, err
	}
	h, err := change(old)
	if err != nil {
		return File{}, err
	}
	return h, f.save(h)
}

// Save writes a hunt, in the place of one of the same name. Comments of a file that was written by hand are kept where only the result changes.
func (f Folder) Save(h File) error {
	defer f.lock()()
	return f.save(h)
}

func (f Folder) save(h File) error {
	if err := h.Check(); err != nil {
		return err
	}
	path, err := f.path(h.Name)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(h); err != nil {
		return fmt.Errorf("write the hunt %s: %w", h.Name, err)
	}
	if text.Len() > maxHuntFile { // it would not be read again
		return MistakeError{fmt.Sprintf("the hunt %s would have %d bytes (limit: %d)", h.Name, text.Len(), maxHuntFile)}
	}
	return replace(path, text.Bytes())
}

// Keep writes the result of a run into a hunt's file and leaves the rest as it is written.
func (f Folder) Keep(name string, k Kept) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	defer f.lock()()
	raw, err := os.ReadFile(path) //nolint:gosec // the name has no way out of the folder
	if err != nil {
		return fmt.Errorf("keep the result of %s: %w", name, err)
	}
	var doc yaml.Node
	var value yaml.Node
	if err := errors.Join(yaml.Unmarshal(raw, &doc), value.Encode(k)); err != nil || len(doc.Content) == 0 {
		return fmt.Errorf("keep the result of %s: %w", name, err)
	}
	top := doc.Content[0]
	at := slices.IndexFunc(top.Content, func(n *yaml.Node) bool { return n.Value == "result" })
	if at >= 0 && at%2 == 0 {
		top.Content[at+1] = &value
	} else {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "result"}, &value)
	}
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return fmt.Errorf("keep the result of %s: %w", name, err)
	}
	if text.Len() > maxHuntFile { // it would not be read again
		return MistakeError{fmt.Sprintf("the hunt %s would have %d bytes with its result (limit: %d)", name, text.Len(), maxHuntFile)}
	}
	return replace(path, text.Bytes())
}

// replace puts a file in the place of another, whole or not at all.
func replace(path string, text []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make the folder of hunts: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hunt-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// Run runs a hunt within a Scope.
func (v *Investigator) Run(ctx context.Context, scope access.Scope, h *File, by string) (*Found, Kept, error) {
	start := time.Now()
	k := Kept{At: v.Now().UTC().Truncate(time.Second), By: by}
	s := Search{SQL: h.Query.SQL, Filter: h.Query.Filter, Sigma: h.Query.Sigma}
	span, err := spanOf(h.Span)
	if err != nil {
		return nil, k, err
	}
	if span > 0 {
		s.From = v.Now().Add(-span)
	}
	found, err := v.Search(ctx, scope, s)
	if err != nil {
		k.Error = err.Error()
		return nil, k, err
	}
	k.Hits, k.More, k.Accounts, k.Millis = int64(len(found.Rows)), found.More, found.Accounts, time.Since(start).Milliseconds()
	return found, k, nil
}
