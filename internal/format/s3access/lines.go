package s3access

import (
	"bytes"
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// fields are the cells of a line. Source: Amazon S3 user guide, "Amazon S3 server access log format".
var fields = []string{
	"bucket_owner", "bucket", "time", "remote_ip", "requester", "request_id", "operation", "key", "request_uri", "http_status", "error_code", "bytes_sent",
	"object_size", "total_time", "turn_around_time", "referer", "user_agent", "version_id", "host_id", "signature_version", "cipher_suite",
	"authentication_type", "host_header", "tls_version", "access_point_arn", "acl_required", "source_region",
}

// Where the cells are by which a line is known.
const (
	timeCell  = 2
	operation = 6
	least     = 10 // cells that even the oldest records have, up to http_status
)

// numeric are http_status and the sizes and times.
var numeric = []bool{9: true, 11: true, 12: true, 13: true, 14: true}

type lines struct{ cells [][]byte }

// Line reads one line.
func (l *lines) Line(line []byte, a *fastjson.Arena) (raw []byte, doc *fastjson.Value, reason, detail string) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")))
	if len(line) == 0 {
		return nil, nil, "", ""
	}
	l.cells = ocsf.Cells(line, l.cells[:0])
	if len(l.cells) < least {
		return nil, nil, ReasonNoRecord, fmt.Sprintf("it has %d fields, and the oldest records have more", len(l.cells))
	}
	return line, ocsf.Columns(a, fields, numeric, l.cells), "", ""
}

// parseTime reads 06/Feb/2019:00:00:38 +0000 as epoch milliseconds. S3 writes UTC.
func parseTime(s string) (int64, bool) {
	if len(s) != 26 || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[20:] != " +0000" {
		return 0, false
	}
	month := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), []byte(s[3:6]))
	if month < 0 || month%3 != 0 {
		return 0, false
	}
	month = month/3 + 1
	var form [20]byte
	copy(form[:], s[7:11])
	form[4], form[5], form[6], form[7] = '-', byte('0'+month/10), byte('0'+month%10), '-'
	copy(form[8:], s[0:2])
	form[10] = 'T'
	copy(form[11:], s[12:20])
	form[19] = 'Z'
	millis, err := ocsf.ParseTime(string(form[:]))
	return millis, err == nil
}
