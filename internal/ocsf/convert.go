package ocsf

import "net/netip"

// Conversions that several formats use.

// Occurred is the Convert of Time that gives what the format set as the event's time.
func Occurred(_ Value, e *Event) Value { return e.Int(e.Millis) }

// OnlyIP is a Convert that lets through addresses.
func OnlyIP(v Value, _ *Event) Value {
	if v.Str == "" { // ParseAddr would make an error for it
		return Value{}
	}
	if _, err := netip.ParseAddr(v.Str); err != nil {
		return Value{}
	}
	return v
}

// OnlyPort is a Convert that lets through port numbers, in text as well.
func OnlyPort(v Value, _ *Event) Value {
	n, ok := digits(v.Str)
	if v.Str == "" || len(v.Str) > 5 || !ok || n > 65535 || v.Str[0] == '0' && len(v.Str) > 1 {
		return Value{}
	}
	return Value{Number, v.Str}
}

// OnlyCount is a Convert that lets through whole numbers that are not negative.
func OnlyCount(v Value, _ *Event) Value {
	if v.Kind != Number || v.Str[0] == '-' {
		return Value{}
	}
	return v
}
