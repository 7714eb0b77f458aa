package vpcflow

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// fields are the fields of flow logs of VPCs in the order of the guide, and then those of transit gateways.
// Source: VPC Flow Logs user guide, "Flow log records" (versions 2 to 10); Transit Gateway guide, "Transit Gateway Flow Logs".
var fields = []string{
	"version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action", "log-status",
	"vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr",
	"region", "az-id", "sublocation-type", "sublocation-id",
	"pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path",
	"ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id",
	"ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id",
	"reject-reason", "resource-id", "encryption-status",
	"resource-type", "tgw-id", "tgw-attachment-id", "tgw-src-vpc-account-id", "tgw-dst-vpc-account-id", "tgw-src-vpc-id", "tgw-dst-vpc-id", "tgw-src-subnet-id",
	"tgw-dst-subnet-id", "tgw-src-eni", "tgw-dst-eni", "tgw-src-az-id", "tgw-dst-az-id", "tgw-pair-attachment-id",
	"packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
}

// orders are the lengths of formats that hold all fields up to version 2, 3, 4, 5, 7, 8, 9 and 10.
var orders = []int{14, 21, 25, 29, 39, 40, 41, 42}

// defaultFields is how many fields the default format has.
const defaultFields = 14

// counted are the fields whose values are numbers.
var counted = []string{
	"version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags", "traffic-path",
	"packets-lost-no-route", "packets-lost-blackhole", "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
}

// lines reads the lines of a stream. The last header counts: files that were put together have several.
type lines struct {
	header  []byte // as it stands, nil before there was one
	names   []string
	numeric []bool
	plain   bool // the header says no more than the default
	cells   [][]byte
	raw     []byte
}

// Line reads one line.
func (l *lines) Line(line []byte, a *fastjson.Arena) (raw []byte, doc *fastjson.Value, reason, detail string) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")))
	if len(line) == 0 || l.header != nil && bytes.Equal(line, l.header) {
		return nil, nil, "", ""
	}
	line = ocsf.ExportedLine(line)
	l.cells = ocsf.Cells(line, l.cells[:0])
	if c := line[0]; c >= 'a' && c <= 'z' && isHeader(l.cells) {
		l.learn(line)
		return nil, nil, "", ""
	}
	if l.header == nil {
		names := orderOf(l.cells)
		if names == nil {
			return nil, nil, ReasonNoHeader, fmt.Sprintf("a line of %d fields, which is no order of the guide: its format cannot be told", len(l.cells))
		}
		return line, ocsf.Columns(a, names, allNumeric, l.cells), "", ""
	}
	if len(l.cells) != len(l.names) {
		return nil, nil, ReasonNoFit, fmt.Sprintf("it has %d fields where the header has %d", len(l.cells), len(l.names))
	}
	raw = line
	if !l.plain {
		l.raw = append(append(append(l.raw[:0], l.header...), '\n'), line...)
		raw = l.raw
	}
	return raw, ocsf.Columns(a, l.names, l.numeric, l.cells), "", ""
}

func (l *lines) learn(header []byte) {
	l.header = bytes.Clone(header)
	l.names = make([]string, len(l.cells))
	for i, c := range l.cells {
		l.names[i] = string(c)
	}
	l.numeric = numericOf(l.names)
	l.plain = slices.Equal(l.names, fields[:defaultFields])
}

var allNumeric = numericOf(fields)

func numericOf(names []string) []bool {
	out := make([]bool, len(names))
	for i, n := range names {
		out[i] = slices.Contains(counted, n)
	}
	return out
}
