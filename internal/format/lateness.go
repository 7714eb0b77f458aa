package format

import "time"

// Lateness is how long after the newest event of its stream a format's record may come and still be on time. CloudTrail delivers within about
// 15 minutes (twice that is given); S3 access logs come "within a few hours" (Amazon S3 user guide, "Server access log delivery").
func Lateness(name string) time.Duration {
	if name == "s3access" {
		return 6 * time.Hour
	}
	return 30 * time.Minute
}
