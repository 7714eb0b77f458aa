package asff

import "github.com/tocsin-security/tocsin/internal/ocsf"

// The OCSF classes that findings map to.
const (
	classVulnerability = 2002
	classCompliance    = 2003
	classDetection     = 2004
)

// class chooses as AWS's own mapping does; what is archived is closed, what was never updated is new.
func class(e *ocsf.Event) (uid, activity int) {
	uid = classDetection
	switch {
	case len(e.Doc.GetArray("Vulnerabilities")) > 0:
		uid = classVulnerability
	case e.Text(complianceStatus) != "" || e.Text(controlID) != "":
		uid = classCompliance
	}
	switch {
	case e.Text(recordState) == "ARCHIVED":
		return uid, 3
	case e.Text(createdAt) == e.Text(updatedAt) || e.Text(createdAt) == "":
		return uid, 1
	}
	return uid, 2
}
