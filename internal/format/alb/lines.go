package alb

import (
	"bytes"
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// fields name the cells of a line, after those that hold two or three things were taken apart. Source: Application Load Balancer
// guide, "Access log entries", and the names of AWS's table for Athena.
var fields = []string{
	"type", "time", "elb", "client_ip", "client_port", "target_ip", "target_port", "request_processing_time", "target_processing_time", "response_processing_time",
	"elb_status_code", "target_status_code", "received_bytes", "sent_bytes", "request_verb", "request_url", "request_proto", "user_agent", "ssl_cipher",
	"ssl_protocol", "target_group_arn", "trace_id", "domain_name", "chosen_cert_arn", "matched_rule_priority", "request_creation_time", "actions_executed",
	"redirect_url", "error_reason", "target_port_list", "target_status_code_list", "classification", "classification_reason", "conn_trace_id",
	"transformed_host", "transformed_uri", "request_transform_status",
}

// numeric are ports, status codes and sizes.
var numeric = []bool{4: true, 6: true, 10: true, 11: true, 12: true, 13: true}

// Where the cells are that are taken apart, and how many the oldest records have (up to trace_id).
const (
	clientCell  = 3
	targetCell  = 4
	requestCell = 12
	least       = 18
)

type lines struct{ cells, apart [][]byte }

// Line reads one line.
func (l *lines) Line(line []byte, a *fastjson.Arena) (raw []byte, doc *fastjson.Value, reason, detail string) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")))
	if len(line) == 0 {
		return nil, nil, "", ""
	}
	l.cells = ocsf.Cells(line, l.cells[:0])
	if len(l.cells) < least {
		return nil, nil, ReasonNoRecord, fmt.Sprintf("it has %d fields, and the oldest records have %d", len(l.cells), least)
	}
	out := append(l.apart[:0], l.cells[:clientCell]...)
	for _, i := range [...]int{clientCell, targetCell} {
		host, port := endpoint(l.cells[i])
		out = append(out, host, port)
	}
	out = append(out, l.cells[targetCell+1:requestCell]...)
	verb, url, proto := request(l.cells[requestCell])
	out = append(append(out, verb, url, proto), l.cells[requestCell+1:]...)
	l.apart = out
	return line, ocsf.Columns(a, fields, numeric, out), "", ""
}

// endpoint takes 192.0.2.1:443 or [2001:db8::1]:443 apart.
func endpoint(c []byte) (host, port []byte) {
	i := bytes.LastIndexByte(c, ':')
	if i < 0 {
		return c, nil
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(c[:i], []byte("[")), []byte("]")), c[i+1:]
}

// request takes "GET http://host:80/path HTTP/1.1" apart. What the client sent was no HTTP where it is "- - -".
func request(c []byte) (verb, url, proto []byte) {
	verb, rest, _ := bytes.Cut(c, []byte(" "))
	i := bytes.LastIndexByte(rest, ' ')
	if i < 0 {
		return verb, rest, nil
	}
	return verb, rest[:i], rest[i+1:]
}
