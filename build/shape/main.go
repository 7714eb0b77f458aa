// Command shape prints the shape of the house against its conventions: lengths of files and functions, packages
// without a story, exported names without a doc comment, families whose members differ. It reads the tree below the current folder
// and exits 1 where a limit is passed.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// The limits of docs/conventions: none above, and nine in ten below.
const (
	maxFile, p90File = 600, 350
	maxFunc, p90Func = 120, 40
)

// families are folders whose members must hold the same set of files.
var families = map[string][]string{"internal/format": {"doc.go", "decode.go", "mapping.go"}}

type measure struct {
	name  string
	lines int
}

type house struct {
	pages        []measure // of the console
	files, funcs []measure
	undocumented []string
	faults       []string
}

func main() {
	h := &house{}
	if err := filepath.WalkDir(".", h.visit); err != nil {
		fmt.Fprintln(os.Stderr, "shape:", err)
		os.Exit(2)
	}
	h.families()
	h.summary("files", h.files, maxFile, p90File)
	h.summary("files of the console", h.pages, maxFile, p90File)
	h.summary("functions", h.funcs, maxFunc, p90Func)
	fmt.Printf("exported names without a doc comment: %d\n", len(h.undocumented))
	h.faults = append(h.faults, h.undocumented...)
	for _, f := range h.faults {
		fmt.Println("  FAULT", f)
	}
	if len(h.faults) > 0 {
		os.Exit(1)
	}
}

func (h *house) visit(path string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "out" || d.Name() == "node_modules" || d.Name() == "dist") {
		return filepath.SkipDir
	}
	switch {
	case d.IsDir():
		return nil
	case strings.HasPrefix(path, "web/") && consoleFile.MatchString(path):
		return h.page(path)
	case strings.HasSuffix(path, ".go"):
		return h.file(path)
	}
	return nil
}

// consoleFile is a file of the console that a person writes; types of the API and tests are none.
var consoleFile = regexp.MustCompile(`^web/src/.*\.(ts|tsx|css)$`)

// page measures a file of the console.
func (h *house) page(path string) error {
	if strings.HasSuffix(path, ".test.ts") || strings.HasSuffix(path, ".d.ts") {
		return nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // of this house
	if err != nil {
		return err
	}
	h.pages = append(h.pages, measure{path, bytes.Count(text, []byte("\n"))})
	return nil
}

func (h *house) file(path string) error {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	if ast.IsGenerated(f) {
		return nil
	}
	test := strings.HasSuffix(path, "_test.go")
	if !test {
		h.files = append(h.files, measure{path, set.File(f.Pos()).LineCount()})
	}
	for _, d := range f.Decls {
		h.decl(set, path, d, test || f.Name.Name == "main")
	}
	return nil
}

func (h *house) decl(set *token.FileSet, path string, d ast.Decl, private bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if !strings.HasSuffix(path, "_test.go") {
			lines := set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1
			h.funcs = append(h.funcs, measure{path + ": " + d.Name.Name, lines})
		}
		if !private && d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			h.undocumented = append(h.undocumented, fmt.Sprintf("%s: %s has no doc comment", path, d.Name.Name))
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if t, ok := s.(*ast.TypeSpec); ok && !private && t.Name.IsExported() && d.Doc == nil && t.Doc == nil {
				h.undocumented = append(h.undocumented, fmt.Sprintf("%s: %s has no doc comment", path, t.Name.Name))
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	id, ok := t.(*ast.Ident)
	return !ok || id.IsExported()
}

func (h *house) families() {
	for root, want := range families {
		members, err := os.ReadDir(root)
		if err != nil {
			h.faults = append(h.faults, err.Error())
			continue
		}
		for _, m := range members {
			if !m.IsDir() || m.Name() == "testdata" {
				continue
			}
			for _, name := range want {
				if _, err := os.Stat(filepath.Join(root, m.Name(), name)); err != nil {
					h.faults = append(h.faults, fmt.Sprintf("%s/%s has no %s, which every member of its family has", root, m.Name(), name))
				}
			}
		}
	}
}

func (h *house) summary(what string, all []measure, most, ninety int) {
	sort.Slice(all, func(i, j int) bool { return all[i].lines > all[j].lines })
	if len(all) == 0 {
		return
	}
	at := func(q float64) int { return all[len(all)-1-int(q*float64(len(all)-1))].lines }
	fmt.Printf("%d %s: median %d lines, p90 %d (goal %d), longest %d (limit %d)\n", len(all), what, at(0.5), at(0.9), ninety, all[0].lines, most)
	for _, m := range slices.Clip(all[:min(5, len(all))]) {
		fmt.Printf("  %4d  %s\n", m.lines, m.name)
	}
	if at(0.9) > ninety {
		h.faults = append(h.faults, fmt.Sprintf("one %s in ten is above %d lines", strings.TrimSuffix(what, "s"), ninety))
	}
	for _, m := range all {
		if m.lines > most {
			h.faults = append(h.faults, fmt.Sprintf("%s has %d lines (limit %d): which second subject does it hide?", m.name, m.lines, most))
		}
	}
}
