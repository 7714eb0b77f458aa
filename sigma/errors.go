package sigma

import (
	"fmt"
	"sort"
	"strings"
)

// Error is a mistake in a rule file, with its place.
type Error struct {
	File   string
	Line   int    // from 1
	Column int    // from 1
	Text   string // a sentence without a final full stop
	Source string // the line itself, for the caret; "" when unknown
}

// Error gives the place and the sentence on one line.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text) }

// Caret gives the error with the line below it and a caret under the column.
func (e *Error) Caret() string {
	if e.Source == "" {
		return e.Error()
	}
	line := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '·'
		}
		return r
	}, e.Source)
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, prefix(line, e.Column-1))
	return e.Error() + "\n  " + line + "\n  " + pad + "^"
}

func prefix(s string, runes int) string {
	n := 0
	for i := range s {
		if n == runes {
			return s[:i]
		}
		n++
	}
	return s
}

// Errors are all mistakes of one or more files, in order of place.
type Errors []*Error

// Error joins the mistakes, one a line.
func (e Errors) Error() string {
	lines := make([]string, 0, len(e))
	for _, one := range e {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sorted() Errors {
	sort.SliceStable(e, func(i, j int) bool {
		a, b := e[i], e[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return e
}
