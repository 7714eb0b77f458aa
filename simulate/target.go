package simulate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// target takes objects. The same object twice is the same to it.
type target interface {
	put(ctx context.Context, path string, body []byte) error
}

// Destination is a target and what goes there.
type Destination struct {
	Formats []string // none: whatever goes nowhere else
	// URL is s3://BUCKET/PREFIX or http(s)://…/api/v1/ingest/SOURCE; empty is logs/ in the folder.
	URL   string
	Token string // of the source, for pushes
}

// String names a destination, without its token.
func (d Destination) String() string {
	name := d.URL
	if name == "" {
		name = "folder"
	}
	if len(d.Formats) == 0 {
		return name
	}
	return strings.Join(d.Formats, ",") + "=" + name
}

// ParseDestination reads TARGET or FORMAT[,FORMAT…]=TARGET, where TARGET is folder, s3://BUCKET/PREFIX or the URL of a source that is pushed to.
// tokens are by the source's name, which is the last part of the URL.
func ParseDestination(text string, tokens map[string]string) (Destination, error) {
	var d Destination
	formats, where, named := strings.Cut(text, "=")
	if !named || strings.Contains(formats, ":") { // an = in a URL is no list of formats
		formats, where = "", text
	}
	if formats != "" {
		d.Formats = strings.Split(formats, ",")
		if _, err := chooseFormats(d.Formats); err != nil {
			return d, err
		}
	}
	if where == "folder" {
		return d, nil
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.User != nil {
		return d, fmt.Errorf("simulate: %q is no target: folder, s3://BUCKET/PREFIX or http://127.0.0.1:8420/api/v1/ingest/SOURCE", where)
	}
	d.URL = where
	switch u.Scheme {
	case "s3":
	case "http", "https":
		source := path.Base(u.Path)
		if d.Token = tokens[source]; d.Token == "" {
			return d, fmt.Errorf("simulate: there is no token for the source %s; make one (tocsin token add --source %s) and name the file that holds it: --token %s=FILE", source, source, source)
		}
	default:
		return d, fmt.Errorf("simulate: %q is no target: the scheme is none of s3, http, https", where)
	}
	return d, nil
}

func (d Destination) open(ctx context.Context, c *LiveConfig) (target, error) {
	switch {
	case d.URL == "":
		return folder(c.logs()), nil
	case strings.HasPrefix(d.URL, "s3://"):
		return openStore(ctx, d.URL, c.S3)
	}
	return &pusher{url: d.URL, token: d.Token, now: c.Now, wait: c.Wait, say: c.say}, nil
}

// folder takes objects as files, which appear whole.
type folder string

func (f folder) put(_ context.Context, name string, body []byte) error {
	to := filepath.Join(string(f), filepath.FromSlash(name))
	if info, err := os.Stat(to); err == nil && info.Size() == int64(len(body)) {
		return nil // it was delivered before a kill: to touch it would be to deliver it again
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".part")
	return errors.Join(os.WriteFile(part, body, 0o600), os.Rename(part, to))
}
