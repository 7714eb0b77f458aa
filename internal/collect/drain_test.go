package collect

import (
	"io"
	"strings"
	"testing"
)

// drain reads every member of an inventory as "name: content", and the problems of the reading.
func drain(t *testing.T, inv *Inventory) (members []string, problems []Problem) {
	t.Helper()
	r := inv.NewReader(nil, func(p Problem) { problems = append(problems, p) })
	for i := range inv.Files {
		err := r.Each(t.Context(), &inv.Files[i], func(name string, in io.Reader) error {
			content, err := io.ReadAll(in)
			members = append(members, name+": "+string(content))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return members, problems
}

func below(dir string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimPrefix(n, dir+"/")
	}
	return out
}

// readFile lists and drains one file with the content.
func readFile(t *testing.T, limits Limits, content []byte) (members []string, problems []Problem) {
	t.Helper()
	dir := lay(t, map[string][]byte{"f": content})
	inv, err := List(t.Context(), []string{dir}, nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	members, problems = drain(t, inv)
	for i := range problems {
		problems[i].Source = strings.TrimPrefix(problems[i].Source, dir+"/")
	}
	return below(dir, members), problems
}
