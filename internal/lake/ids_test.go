package lake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/iceberg-go"
)

// idsOf lists path, id and type of every column of a schema, as first.tsv has them.
func idsOf(s *iceberg.Schema) []string {
	var out []string
	var walk func(prefix string, fields []iceberg.NestedField)
	walk = func(prefix string, fields []iceberg.NestedField) {
		for _, f := range fields {
			path, kind := prefix+f.Name, f.Type.Type()
			out = append(out, fmt.Sprintf("%s\t%d\t%s", path, f.ID, kind))
			switch t := f.Type.(type) {
			case *iceberg.StructType:
				walk(path+".", t.FieldList)
			case *iceberg.ListType:
				walk(path+".", []iceberg.NestedField{t.ElementField()})
			}
		}
	}
	walk("", s.Fields())
	return out
}

// TestColumnsKeepTheirIDs fails where a column of the first lakes gets another id or type, or goes: files that lie on other people's disks
// name columns by these numbers.
func TestColumnsKeepTheirIDs(t *testing.T) {
	lines := strings.SplitAfter(schemaText, "\n")
	var grown []string // today's columns, and new ones amid them
	for _, line := range lines {
		grown = append(grown, line)
		switch {
		case strings.HasPrefix(line, "account\t"):
			grown = append(grown, "between\tstruct\n", "between.two\tlist<string>\n", "between.two.element\tstring\n")
		case strings.HasPrefix(line, "actor.user.uid\t"):
			grown = append(grown, "actor.user.between\tstring\n")
		case strings.HasPrefix(line, "resources.element\t"):
			grown = append(grown, "resources.element.between\tlong\n")
		}
	}
	for name, columns := range map[string]string{"today's": schemaText, "with columns put in between": strings.Join(grown, "")} {
		l, err := open(t.Context(), t.TempDir(), columns)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // a test
		is := map[string]bool{}
		for _, line := range idsOf(l.table.Load().Schema()) {
			is[line] = true
		}
		for _, line := range strings.Split(strings.TrimSpace(firstText), "\n")[1:] {
			if !is[line] {
				t.Errorf("%s: no longer so: %q", name, line)
			}
		}
		if name != "today's" && len(is) <= len(lines)-2 {
			t.Errorf("%s: %d columns: those in between are missing", name, len(is))
		}
	}
}
