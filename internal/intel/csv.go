package intel

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns are the headers by which a CSV's columns are known, the surest first.
var columns = struct{ value, confidence, first, last, expires, tags []string }{
	value:      []string{"indicator", "ioc", "ioc_value", "indicator_value", "value", "dst_ip", "ip", "ip_address", "ipv4", "cidr", "domain", "fqdn", "hostname", "host", "url", "sha256_hash", "sha256", "sha1_hash", "sha1", "md5_hash", "md5", "hash"},
	confidence: []string{"confidence", "confidence_level", "confidence_score"},
	first:      []string{"first_seen", "first_seen_utc", "firstseen", "dateadded", "date_added", "created"},
	last:       []string{"last_seen", "last_seen_utc", "lastseen", "last_online", "modified"},
	expires:    []string{"expires", "expiry", "valid_until", "expiration"},
	tags:       []string{"tags", "threat_type", "malware_printable", "malware", "threat"},
}

// layout is where a CSV has what.
type layout struct{ value, confidence, first, last, expires, tags int }

func normalHeader(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Trim(strings.TrimSpace(s), `#" `)), " ", "_")
}

func find(header, names []string) int {
	for _, name := range names {
		if i := slices.Index(header, name); i >= 0 {
			return i
		}
	}
	return -1
}

// csvHeader finds the header of a CSV: its first line that is no comment, or the last comment before it (abuse.ch writes it so).
// nil where neither names a column that is known.
func csvHeader(head []byte) []string {
	comment := ""
	for line := range strings.Lines(string(head)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "#") {
			comment = line
			continue
		}
		for _, text := range []string{line, comment} {
			if h := headerOf(text); h != nil {
				return h
			}
		}
		return nil
	}
	return nil
}

func headerOf(line string) []string {
	c := csv.NewReader(strings.NewReader(strings.TrimLeft(line, "# ")))
	c.LazyQuotes, c.TrimLeadingSpace = true, true
	cells, err := c.Read()
	if err != nil || len(cells) < 2 {
		return nil
	}
	for i := range cells {
		cells[i] = normalHeader(cells[i])
	}
	if find(cells, columns.value) < 0 {
		return nil
	}
	return cells
}

// csv reads a table with a column of indicators.
func (r *Reading) csv(raw []byte) error {
	want, err := ParseKind(r.feed.Kind)
	if err != nil {
		return err
	}
	c := csv.NewReader(bytes.NewReader(raw))
	c.Comment, c.FieldsPerRecord, c.LazyQuotes, c.TrimLeadingSpace, c.ReuseRecord = '#', -1, true, true, true
	at, first, err := r.layout(raw[:min(len(raw), 64<<10)])
	if err != nil {
		return err
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line, _ := c.FieldPos(0)
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken):
			r.Entries++
			r.refuse(broken.Line, "", "a line that is no CSV: "+broken.Err.Error())
			continue
		case err != nil:
			return err
		case first && len(cells) > at.value && slices.Contains(append(slices.Clone(columns.value), normalHeader(r.feed.Column)), normalHeader(cells[at.value])):
			first = false // the header
			continue
		case len(cells) <= at.value:
			r.Entries++
			r.refuse(line, strings.Join(cells, ","), fmt.Sprintf("the line has no column %d", at.value+1))
			continue
		}
		first = false
		r.add(line, cells[at.value], want, r.row(cells, at))
	}
}

// layout finds the columns. headed says that the first record may be the header.
func (r *Reading) layout(head []byte) (at layout, headed bool, err error) {
	if n, err := strconv.Atoi(r.feed.Column); err == nil {
		if n < 1 {
			return at, false, fmt.Errorf("column %d: they are counted from 1", n)
		}
		return layout{n - 1, -1, -1, -1, -1, -1}, true, nil
	}
	header := csvHeader(head)
	if r.feed.Column != "" {
		for line := range strings.Lines(string(head)) {
			c := csv.NewReader(strings.NewReader(strings.TrimLeft(line, "# ")))
			c.LazyQuotes, c.TrimLeadingSpace = true, true
			cells, _ := c.Read()
			for i := range cells {
				cells[i] = normalHeader(cells[i])
			}
			if slices.Contains(cells, normalHeader(r.feed.Column)) {
				header = cells
				break
			}
		}
	}
	names := columns.value
	if r.feed.Column != "" {
		names = []string{normalHeader(r.feed.Column)}
	}
	if at.value = find(header, names); at.value < 0 {
		return at, false, errors.New("no column is known to hold indicators: name one with column (a header, or its number from 1)")
	}
	at.confidence, at.first, at.last = find(header, columns.confidence), find(header, columns.first), find(header, columns.last)
	at.expires, at.tags = find(header, columns.expires), find(header, columns.tags)
	return at, true, nil
}

func (r *Reading) row(cells []string, at layout) Indicator {
	cell := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[i])
	}
	i := r.plain()
	if n, err := strconv.Atoi(cell(at.confidence)); err == nil && n >= 0 && n <= 100 {
		i.Confidence = uint8(n) //nolint:gosec // checked
	}
	i.First, i.Last, i.Expires = when(cell(at.first)), when(cell(at.last)), when(cell(at.expires))
	for _, tag := range strings.FieldsFunc(cell(at.tags), func(c rune) bool { return c == ',' || c == ';' || c == '|' }) {
		if tag = strings.ToLower(strings.TrimSpace(tag)); tag != "" && tag != "none" {
			i.Tags = append(i.Tags, tag)
		}
	}
	return i
}

// when reads a time as feeds write it; zero where it is none.
func when(s string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1_000_000_000 && n < 5_000_000_000 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}
