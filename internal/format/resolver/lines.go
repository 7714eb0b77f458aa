package resolver

import (
	"bytes"
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// zoneFields are the cells of a line of a public zone's query log, under the Resolver's names where it has the same fact: srcaddr is
// the resolver that asked. Source: Route 53 developer guide, "Public DNS query logging".
var zoneFields = []string{"version", "query_timestamp", "hosted_zone_id", "query_name", "query_type", "rcode", "transport", "edge_location", "srcaddr", "edns_client_subnet"}

type lines struct{ cells [][]byte }

// Line reads one line.
func (l *lines) Line(line []byte, a *fastjson.Arena) (raw []byte, doc *fastjson.Value, reason, detail string) {
	line = ocsf.ExportedLine(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))))
	if len(line) == 0 {
		return nil, nil, "", ""
	}
	l.cells = ocsf.Cells(line, l.cells[:0])
	if len(l.cells) < len(zoneFields) {
		return nil, nil, ReasonNoRecord, fmt.Sprintf("it has %d fields, and a query of a public zone has %d", len(l.cells), len(zoneFields))
	}
	return line, ocsf.Columns(a, zoneFields, nil, l.cells), "", ""
}

// recordLine reports whether a line is a query of a public zone: a version, a time, a zone's id, and its ten cells.
func recordLine(line []byte) bool {
	cells := ocsf.Cells(ocsf.ExportedLine(bytes.TrimSpace(line)), nil)
	if len(cells) < len(zoneFields) || !bytes.HasPrefix(cells[2], []byte("Z")) || bytes.IndexByte(cells[0], '.') != 1 {
		return false
	}
	_, err := ocsf.ParseTime(string(cells[1]))
	return err == nil
}
