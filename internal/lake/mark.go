package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/iceberg-go/table"
)

// mark is a short name for a schema: every column with its id and type, in their order. A data file carries it in its name, so that
// whoever reads knows without opening it whether it has just the columns of today. Such files can be read by name, which is what
// engines do best; by field id DuckDB reads a whole object for one member of it.
func mark(s *arrow.Schema) string {
	h := sha256.New()
	for _, f := range s.Fields() {
		markField(h, f)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func markField(to io.Writer, f arrow.Field) {
	id, _ := f.Metadata.GetValue(table.ArrowParquetFieldIDKey)
	_, _ = fmt.Fprintf(to, "%s %q %s{", id, f.Name, f.Type.ID())
	if nested, ok := f.Type.(arrow.NestedType); ok {
		for _, below := range nested.Fields() {
			markField(to, below)
		}
	}
	_, _ = io.WriteString(to, "}")
}

// markOf is the mark of the table's schema.
func markOf(t *table.Table) (string, error) {
	schema, err := table.SchemaToArrowSchema(t.Schema(), nil, true, false)
	if err != nil {
		return "", fmt.Errorf("lake schema: %w", err)
	}
	return mark(schema), nil
}

// hasMark reports whether a file's name says that it was written with a schema of this mark.
func hasMark(path, mark string) bool { return strings.HasSuffix(path, "_"+mark+".parquet") }
