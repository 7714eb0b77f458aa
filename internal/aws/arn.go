package aws

import "strings"

// ARN is an Amazon Resource Name, taken apart.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN takes an ARN apart; ok is false for any other text.
func ParseARN(s string) (a ARN, ok bool) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, false
	}
	parts := [4]string{}
	for i := range parts {
		var found bool
		if parts[i], rest, found = strings.Cut(rest, ":"); !found {
			return ARN{}, false
		}
	}
	return ARN{parts[0], parts[1], parts[2], parts[3], rest}, true
}

// IsAccount reports whether s is a 12-digit account id.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// LastName returns what follows the last slash or colon: the name of a user, role or policy with its path removed.
func LastName(arn string) string {
	if i := strings.LastIndexAny(arn, "/:"); i >= 0 {
		return arn[i+1:]
	}
	return arn
}

// RoleOf turns the ARN of a role session (sts assumed-role) into role name and session name.
func RoleOf(arn string) (role, session string, ok bool) {
	a, valid := ParseARN(arn)
	rest, isSession := strings.CutPrefix(a.Resource, "assumed-role/")
	if !valid || a.Service != "sts" || !isSession {
		return "", "", false
	}
	role, session, ok = strings.Cut(rest, "/")
	return role, session, ok
}

// Glob matches s against a pattern in which * stands for any text.
func Glob(pattern, s string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}

// AccountOf returns the account of an ARN, "" where there is none or s is no ARN.
func AccountOf(s string) string {
	if a, ok := ParseARN(s); ok && IsAccount(a.Account) {
		return a.Account
	}
	return ""
}

// RegionOf returns the Region of an ARN, "" where there is none or s is no ARN.
func RegionOf(s string) string {
	a, _ := ParseARN(s)
	return a.Region
}
