package simulate

import (
	"fmt"
	"net/url"
	"strings"
)

// s3Operations are the access log's words for CloudTrail's names of calls that are about one bucket.
var s3Operations = map[string]struct{ verb, operation, query string }{
	"GetObject":          {"GET", "REST.GET.OBJECT", ""},
	"HeadObject":         {"HEAD", "REST.HEAD.OBJECT", ""},
	"PutObject":          {"PUT", "REST.PUT.OBJECT", ""},
	"CopyObject":         {"PUT", "REST.COPY.OBJECT", ""},
	"DeleteObject":       {"DELETE", "REST.DELETE.OBJECT", ""},
	"PutBucketPolicy":    {"PUT", "REST.PUT.BUCKETPOLICY", "?policy"},
	"PutBucketLifecycle": {"PUT", "REST.PUT.LIFECYCLE", "?lifecycle"},
}

// access is the line that the bucket's access log has of a call: the same request, by the same id.
func (b *logbook) access(x *record, of *mark) {
	name, _ := x.body["eventName"].(string)
	request, _ := x.body["requestParameters"].(m)
	bucket, _ := request["bucketName"].(string)
	op, known := s3Operations[name]
	if !known || bucket == "" {
		return
	}
	owner, listed := bucketOwners[bucket]
	if !listed {
		owner = x.account
	}
	key, path := "-", "/"
	if text, ok := request["key"].(string); ok {
		key = url.QueryEscape(text)
		path = (&url.URL{Path: "/" + text}).EscapedPath()
	}
	size := 9<<20 - b.r.IntN(1<<20)
	if data, ok := x.body["additionalEventData"].(m); ok {
		if n, ok := data["bytesTransferredOut"].(int); ok {
			size = n
		}
	}
	sent := fmt.Sprint(size)
	if op.verb != "GET" {
		sent = "-"
	}
	user, _ := x.body["userIdentity"].(m)
	status, failure := "200", "-"
	if code, ok := x.body["errorCode"].(string); ok && code != "" {
		status, failure, sent = "403", "AccessDenied", "243"
	}
	took := 12 + b.r.IntN(60)
	host := bucket + ".s3." + x.region + ".amazonaws.com"
	text := strings.Join([]string{
		hash("owner"+accounts[owner].id, 64), bucket, x.at.UTC().Format("[02/Jan/2006:15:04:05 +0000]"), fmt.Sprint(x.body["sourceIPAddress"]), fmt.Sprint(user["arn"]),
		fmt.Sprint(x.body["requestID"]), op.operation, key, fmt.Sprintf("%q", op.verb+" "+path+op.query+" HTTP/1.1"), status, failure, sent, fmt.Sprint(size),
		fmt.Sprint(took), fmt.Sprint(took - 4), `"-"`, fmt.Sprintf("%q", x.body["userAgent"]), "-", hash(x.id, 44) + "=", "SigV4", "TLS_AES_128_GCM_SHA256", "AuthHeader", host, "TLSv1.3", "-", "-",
	}, " ")
	b.add(place{"s3access", owner, x.region, bucket}, x.at, text, of)
}
