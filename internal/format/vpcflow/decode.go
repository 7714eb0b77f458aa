package vpcflow

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/tocsin-security/tocsin/internal/cloudwatch"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// The reasons for which a line is not a flow log record.
const (
	ReasonNoRecord = "not a flow log record"
	ReasonNoFit    = "flow log line that does not fit its header"
	ReasonNoHeader = "flow log line without a header"
	ReasonBadTime  = "flow log record without a usable time"
)

// Shape is how flow logs are packed and recognised.
func Shape() ocsf.Shape {
	return ocsf.Shape{
		Mapping: Mapping, Arrays: []string{cloudwatch.List}, Unwrap: cloudwatch.Unwrap, Check: check,
		Lines: func() ocsf.Lines { return &lines{} },
	}
}

// maxRecognised is how many lines at the beginning of a stream are looked at.
const maxRecognised = 5

// Recognise reports whether the first bytes of a stream are flow logs: a header line of known fields, or a line in the default order.
func Recognise(head []byte) bool {
	if found, isEnvelope := cloudwatch.Messages(head, recordLine); isEnvelope {
		return found
	}
	for range maxRecognised {
		line, rest, more := bytes.Cut(head, []byte("\n"))
		if recordLine(bytes.TrimSpace(line)) {
			return true
		}
		if !more {
			return false
		}
		head = rest
	}
	return false
}

func recordLine(line []byte) bool {
	cells := ocsf.Cells(ocsf.ExportedLine(line), nil)
	return isHeader(cells) || orderOf(cells) != nil
}

// isHeader reports whether cells are names of fields: most are known, and one of those that every useful format has.
func isHeader(cells [][]byte) bool {
	known, telling := 0, false
	for _, c := range cells {
		name := string(c)
		if !isName(name) {
			return false
		}
		if slices.Contains(fields, name) {
			known++
		}
		telling = telling || slices.Contains([]string{"srcaddr", "dstaddr", "interface-id", "pkt-srcaddr", "tgw-id", "log-status"}, name)
	}
	return telling && known >= 3 && known*2 > len(cells)
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '-' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(s) > 1
}

// orderOf returns the fields of a line that has no header, nil where it cannot be told: the default format, and the formats that
// have all fields up to some version in the order of the guide. The tenth to fourteenth cells show that they are what they should be.
func orderOf(cells [][]byte) []string {
	if !slices.Contains(orders, len(cells)) || !isVersion(cells[0]) {
		return nil
	}
	action, status := string(cells[12]), string(cells[13])
	if !slices.Contains([]string{"OK", "NODATA", "SKIPDATA"}, status) || !slices.Contains([]string{"ACCEPT", "REJECT", "-"}, action) {
		return nil
	}
	if _, err := strconv.ParseUint(string(cells[10]), 10, 63); err != nil {
		return nil
	}
	return fields[:len(cells)]
}

func isVersion(c []byte) bool {
	n, err := strconv.Atoi(string(c))
	return err == nil && n >= 2 && n <= 99
}

var (
	start = ocsf.ParsePath("start")
	end   = ocsf.ParsePath("end")
	face  = ocsf.ParsePath("interface-id")
)

// check needs a time; all else may be missing.
func check(e *ocsf.Event) *ocsf.Unreadable {
	if e.Doc.Get("version") == nil && e.Doc.Get("srcaddr") == nil && e.Doc.Get("interface-id") == nil && e.Doc.Get("log-status") == nil {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it has no field of a flow log"}
	}
	at := e.Text(start)
	if at == "" {
		at = e.Text(end)
	}
	if at == "" {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: "it has neither start nor end; let the flow log's format have start"}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || seconds < ocsf.MinSeconds || seconds > ocsf.MaxSeconds {
		return &ocsf.Unreadable{Reason: ReasonBadTime, Detail: strconv.Quote(at) + " is no epoch time in seconds between the years " + strconv.Itoa(ocsf.MinYear) + " and " + strconv.Itoa(ocsf.MaxYear)}
	}
	e.Millis = seconds * 1000
	if e.Text(face) == "" && e.Str(ocsf.SrcIP) == "" && e.Str(ocsf.DstIP) == "" {
		return &ocsf.Unreadable{Reason: ReasonNoRecord, Detail: "it names neither an interface nor an address"}
	}
	return nil
}
