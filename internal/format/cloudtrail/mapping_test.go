package cloudtrail

import (
	"net/netip"
	"testing"
)

func TestIsIPAgreesWithNetip(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"198.51.100.7", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", ".1.2.3", "1.2.3.", "00.0.0.0", "0.0.0.00",
		"2001:db8::1", "::", ":", "fe80::1%eth0", "::ffff:198.51.100.7", "1:2", "", "AWS Internal", "cloudformation.amazonaws.com", "198.51.100.7:443",
		"198.51.100.7 ", "99999999999999999999.1.1.1", "1.2.3.x",
	} {
		_, err := netip.ParseAddr(s)
		if got := isIP(s); got != (err == nil) {
			t.Errorf("isIP(%q) is %v", s, got)
		}
	}
}

func TestActivities(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"CreateUser": 1, "GetObject": 2, "BatchGetSecretValue": 2, "BatchDeleteImage": 4, "ModifyImageAttribute": 3, "Encrypt": 99, "": 99, "get": 99} {
		if got := activityOf(name); got != want {
			t.Errorf("%q is activity %d, want %d", name, got, want)
		}
	}
}
