package attack

import "strings"

// Names are the names of tactics by their short name ("initial-access") and of techniques by their id ("T1078.004").
type Names map[string]string

// ReadNames reads a table of lines of id, tab, name. Lines that begin with # are remarks.
func ReadNames(table string) Names {
	out := Names{}
	for line := range strings.SplitSeq(table, "\n") {
		if id, name, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(line, "#") {
			out[id] = name
		}
	}
	return out
}

// Of is the name of a tactic or a technique; a sub-technique's stands behind that of its technique, as ATT&CK writes it. "" where the
// table does not have it.
func (n Names) Of(id string) string {
	name := n[id]
	if parent, _, sub := strings.Cut(id, "."); sub && name != "" && n[parent] != "" {
		return n[parent] + ": " + name
	}
	return name
}
