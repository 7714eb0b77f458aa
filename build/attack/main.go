// Command attack writes content/attack/names.tsv: the names of ATT&CK's tactics and techniques.
//
// In: a folder with the tables enterprise-tactics-18.1.tsv (id, shortname, name) and enterprise-techniques-19-galaxy.tsv (id, name …), made
// of the STIX data of MITRE (mitre/cti) and of MISP galaxy. Out: id or short name, tab, name, in order. All techniques are in it, so that
// rules which users write have names as well.
package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tocsin-security/tocsin/internal/detect"
)

const head = "# Names of ATT&CK's tactics and techniques, version 19. Source: MITRE ATT&CK (https://attack.mitre.org). © 2025 The MITRE Corporation. " +
	"This work is reproduced and distributed with the permission of The MITRE Corporation. Licence: LICENSE.txt beside this file. Written by: go run ./build/attack FOLDER\n"

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

func write(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name the folder of the tables: go run ./build/attack FOLDER")
	}
	tactics, err := read(filepath.Join(args[0], "enterprise-tactics-18.1.tsv"), "shortname", "name")
	if err != nil {
		return err
	}
	techniques, err := read(filepath.Join(args[0], "enterprise-techniques-19-galaxy.tsv"), "id", "name")
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(head)
	for _, t := range detect.Tactics {
		name := tactics[t]
		if name == "" { // new in version 19, of which there is no table of tactics
			name = titled(t)
		}
		fmt.Fprintf(&b, "%s\t%s\n", t, name)
	}
	ids := make([]string, 0, len(techniques))
	for id := range techniques {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintf(&b, "%s\t%s\n", id, techniques[id])
	}
	return os.WriteFile("content/attack/names.tsv", []byte(b.String()), 0o644) //nolint:gosec // a file of the sources
}

// read takes two columns of a table.
func read(path, key, value string) (map[string]string, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	k, v := slices.Index(lines[0], key), slices.Index(lines[0], value)
	if k < 0 || v < 0 {
		return nil, fmt.Errorf("%s has no columns %s and %s", path, key, value)
	}
	out := map[string]string{}
	for _, l := range lines[1:] {
		out[l[k]] = l[v]
	}
	return out, nil
}

// titled writes a short name as a title: "defense-impairment" is Defense Impairment.
func titled(short string) string {
	words := strings.Split(short, "-")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
