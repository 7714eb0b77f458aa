package awsconfig

import "github.com/tocsin-security/tocsin/internal/ocsf"

// The OCSF classes that records of AWS Config map to.
const (
	classCompliance = 2003
	classInventory  = 5023
)

// class tells compliance from items. A file holds what was collected, a notification what was logged.
func class(e *ocsf.Event) (uid, activity int) {
	switch {
	case e.Doc.Exists("newEvaluationResult"):
		if e.Doc.Exists("oldEvaluationResult", "complianceType") {
			return classCompliance, 2
		}
		return classCompliance, 1
	case e.Doc.Exists("messageType"):
		return classInventory, 1
	}
	return classInventory, 2
}
