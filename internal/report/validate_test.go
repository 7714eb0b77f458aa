package report

import "github.com/tocsin-security/tocsin/internal/ocsf"

func validate(object []byte) []ocsf.Problem { return ocsf.Validate(object) }
