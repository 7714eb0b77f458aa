// Package ocsf is the event: a record seen through its format's mapping as OCSF 1.8.0.
//
// In: a record's bytes, parsed, and the Mapping of its format. Out: OCSF fields on demand, vendor fields for rules
// that name them, and the whole OCSF object where one is written. No stage builds that object to detect.
//
// A Mapping is one table of rows: OCSF path, vendor path, conversion. From it come the lazy getters (Event.Str), the
// vendor access of rules (Event.Vendor), the whole object (Event.Object), the docs (Mapping.Markdown) and the map from
// vendor names to OCSF paths by which a rule for the vendor's log also reads events that are stored as OCSF. The
// package knows no vendor; it also holds the schema's requirements for the classes in use (schema.go).
package ocsf
