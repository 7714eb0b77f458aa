package source

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestBranchOf(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]branch{
		"AWSLogs/111111111111/CloudTrail/us-east-1/2026/03/01/x.json.gz":                                                           {own, "us-east-1", "2026", "03", "01"},
		"my/2024/AWSLogs/o-abc/111111111111/CloudTrail/us-gov-west-1/2026/03/01/x.json.gz":                                         {own, "us-gov-west-1", "2026", "03", "01"},
		"AWSLogs/111111111111/Config/us-east-1/2026/3/1/ConfigHistory/x.json.gz":                                                   {own, "us-east-1", "2026", "03", "01"},
		"AWSLogs/aws-account-id=111111111111/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=03/day=01/hour=05/x":     {own, "us-east-1", "2026", "03", "01"},
		"aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=111111111111/eventDay=20260301/x.parquet":                             {own, "us-east-1", "2026", "03", "01"},
		"AWSLogs/111111111111/WAFLogs/cloudfront/acl/2026/03/01/22/50/111111111111_waflogs_cloudfront_acl_20260301T2250Z_x.log.gz": {own, "", "2026", "03", "01"},
		"AWSLogs/111111111111/vpcdnsquerylogs/vpc-1/2026/03/01/vpc-1_vpcdnsquerylogs_111111111111_20260301T0000Z_x.log.gz":         {own, "", "2026", "03", "01"},
		"flat2026-03-01-21-32-16-E568B2907131C0C0":                                                                                 {},
		"":                            {},
		"2026/readme/03/x":            {},
		"/////":                       {},
		"AWSLogs/":                    {},
		"AWSLogs/111111111111/x.json": {account: own},
	} {
		if got := branchOf(key); got != want {
			t.Errorf("%s: %+v, not %+v", key, got, want)
		}
	}
}

// TestNoBranchHidesWhatIsAskedFor compares the walk down the tree with a look at each key: an object that is asked for lies below no
// branch that is left out, for random trees and random wishes.
func TestNoBranchHidesWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	hidden, shown := 0, 0
	for range 5000 {
		day := time.Date(2024+r.IntN(3), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
		key := pick("", "p/", "2025/") + pick("AWSLogs/", "AWSLogs/o-1/", "logs/") + pick(own, other, "accountId="+own, "x") + "/" + pick("CloudTrail/", "Config/", "") +
			pick("us-east-1/", "eu-west-1/", "region=us-east-1/", "") + pick(day.Format("2006/01/02/"), day.Format("2006/1/2/"), day.Format("year=2006/month=01/day=02/"), "") + "x.json"
		w, err := openWanted(map[string]string{"accounts": pick("", own, own+","+other), "regions": pick("", "us-east-1"), "from": pick("", "2025-02-10", "2026-01-01"), "to": pick("", "2026-03-05")})
		if err != nil {
			t.Fatal(err)
		}
		has := w.has(key, time.Time{})
		walked := true
		for i, c := range key {
			if c == '/' && walked {
				b := branchOf(key[:i+1])
				walked = !w.excluded(b)
				if walked && !w.undecided(b) {
					break // from here on all is listed at once, and each key is looked at
				}
			}
		}
		if has && !walked {
			t.Fatalf("%s is asked for by %+v, and one of its branches is left out", key, w)
		}
		if has {
			shown++
		} else {
			hidden++
		}
	}
	if hidden < 500 || shown < 500 {
		t.Errorf("%d hidden, %d shown: the test does not tell much", hidden, shown)
	}
}

func TestAKeyWithoutADayIsOfTheDayItWasWritten(t *testing.T) {
	t.Parallel()
	w := wanted{from: "2026-03-01", to: "2026-03-03"}
	for day, want := range map[string]bool{"2026-02-28": false, "2026-03-01": true, "2026-03-02": true, "2026-03-03": false} {
		written, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.has("flat-log", written.Add(23*time.Hour)); got != want {
			t.Errorf("written %s: %v", day, got)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"":                                       "the bucket to list, the queue",
		"bucket=b from=yesterday":                `"yesterday" is no day`,
		"bucket=b from=2026-03-02 to=2026-03-02": "no span of days",
		"bucket=b accounts=12":                   "12 digits",
		"bucket=b regions=Frankfurt":             "no Region",
		"bucket=b every=soon":                    "no span of time",
		"queue=q every=once":                     "without a queue",
		"bucket=b as=A!":                         "no name for a source",
	} {
		m := map[string]string{}
		for _, s := range strings.Fields(settings) {
			k, v, _ := strings.Cut(s, "=")
			m[k] = v
		}
		if _, err := openS3(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", settings, fmt.Sprint(err))
		}
	}
}
