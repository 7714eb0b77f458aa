package source

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// AWS writes who, where and when into the keys of its logs, one part between two slashes each, in this order:
//
//	AWSLogs/[o-organisation/]account/service/region/2026/03/01/…                 CloudTrail, VPC Flow Logs, ALB, GuardDuty
//	AWSLogs/account/Config/region/2026/3/1/…                                     AWS Config, without leading zeros
//	AWSLogs/aws-account-id=…/aws-service=…/aws-region=…/year=2026/month=03/day=01/…  VPC Flow Logs, Hive-compatible
//	aws/CLOUD_TRAIL_MGMT/2.0/region=…/accountId=…/eventDay=20260301/…            Amazon Security Lake
//
// (user guides of the services, "log file name format"). So a listing can leave out whole branches of the tree.

// wanted is what of a bucket is asked for. Empty lists and days are no bound. What a key does not say is no reason to leave it out.
type wanted struct {
	accounts, regions []string
	from, to          string // days, "2026-03-01"; to is exclusive
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func openWanted(settings map[string]string) (wanted, error) {
	w := wanted{accounts: listOf(settings["accounts"]), regions: listOf(settings["regions"]), from: settings["from"], to: settings["to"]}
	var errs []error
	for _, name := range []string{"from", "to"} {
		if _, err := time.Parse(time.DateOnly, settings[name]); settings[name] != "" && err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is no day such as 2026-03-01", name, settings[name]))
		}
	}
	if len(errs) == 0 && w.from != "" && w.to != "" && w.from >= w.to {
		errs = append(errs, fmt.Errorf("from %s to %s is no span of days: to is the day after the last", w.from, w.to))
	}
	for _, a := range w.accounts {
		if !accountID.MatchString(a) {
			errs = append(errs, fmt.Errorf("accounts: %q is no account id of 12 digits", a))
		}
	}
	for _, r := range w.regions {
		if !regionName.MatchString(r) {
			errs = append(errs, fmt.Errorf("regions: %q is no Region such as eu-west-1", r))
		}
	}
	return w, errors.Join(errs...)
}

// listOf reads a setting of several values with commas between them.
func listOf(text string) (list []string) {
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// branch is what the part of a key up to some slash says.
type branch struct {
	account, region  string
	year, month, day string
}

var (
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`)
	yearName   = regexp.MustCompile(`^(19|20)\d\d$`)
	partName   = regexp.MustCompile(`^\d{1,2}$`)
	dayName    = regexp.MustCompile(`^(19|20)\d{6}$`)
)

// branchOf reads all parts of a key but its last, the name of the file.
func branchOf(key string) (b branch) {
	for {
		part, rest, more := strings.Cut(key, "/")
		if !more {
			return b
		}
		b, key = b.step(part), rest
	}
}

// step reads the next part.
func (b branch) step(part string) branch {
	name, value, named := strings.Cut(part, "=")
	if !named {
		value = part
	}
	switch {
	case part == "AWSLogs":
		return branch{} // what stood before it was the user's own
	case b.day != "":
	case accountID.MatchString(value) && (!named || strings.Contains(strings.ToLower(name), "account")):
		b.account = value
	case regionName.MatchString(value):
		b.region = value
	case dayName.MatchString(value):
		b.year, b.month, b.day = value[:4], value[4:6], value[6:]
	case yearName.MatchString(value):
		b.year, b.month = value, ""
	case partName.MatchString(value) && b.year != "" && b.month == "":
		b.month = twoDigits(value)
	case partName.MatchString(value) && b.month != "":
		b.day = twoDigits(value)
	default:
		b.year, b.month = "", ""
	}
	return b
}

func twoDigits(s string) string { return strings.Repeat("0", 2-len(s)) + s }

// excluded reports whether nothing below a branch is asked for.
func (w *wanted) excluded(b branch) bool {
	switch {
	case b.account != "" && len(w.accounts) > 0 && !slices.Contains(w.accounts, b.account):
		return true
	case b.region != "" && len(w.regions) > 0 && !slices.Contains(w.regions, b.region):
		return true
	case b.year == "" || b.day == "" && b.account == "" && b.region == "": // a year alone can be the user's own folder
		return false
	}
	first, last := b.year+"-01-01", b.year+"-12-31"
	if b.month != "" {
		first, last = b.year+"-"+b.month+"-01", b.year+"-"+b.month+"-31"
	}
	if b.day != "" {
		first = b.year + "-" + b.month + "-" + b.day
		last = first
	}
	return w.from != "" && last < w.from || w.to != "" && first >= w.to
}

// undecided reports whether a deeper part of the keys can still be a reason to leave some out. Days come last.
func (w *wanted) undecided(b branch) bool {
	return b.year == "" && (len(w.accounts) > 0 && b.account == "" || len(w.regions) > 0 && b.region == "") ||
		b.day == "" && (w.from != "" || w.to != "")
}

// has reports whether an object is asked for. One whose key names no day is of the day on which it was written.
func (w *wanted) has(key string, written time.Time) bool {
	b := branchOf(key)
	if b.day == "" && !written.IsZero() {
		b.year, b.month, b.day = written.UTC().Format("2006"), written.UTC().Format("01"), written.UTC().Format("02")
	}
	return !w.excluded(b)
}
