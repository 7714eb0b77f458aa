package ocsfparquet

import "github.com/tocsin-security/tocsin/internal/format/ocsfjson"

// Mapping is that of OCSF as JSON: the rows are read as such.
var Mapping = ocsfjson.Mapping
