package finding

// Context is what is known around an alert when it is weighed. The zero value is unknown context, which is neutral.
type Context struct {
	CriticalAsset    bool // a resource is listed as critical in environment.yaml
	ProvenAutomation bool // the actor is automation by AWS's own record or by environment.yaml, never by a claim
	Scanner          bool // the origin is a known scanner of environment.yaml
	NewNetwork       bool // the origin never used this network before, with enough history to say so
	Impersonated     bool // credentials that AWS gave to a workload were used from outside AWS
}

// Weigh sets the alert's severity: the rule's level, moved at most one step in all by context. Each step that
// speaks is listed in a.Steps with +1 or -1; steps in both directions cancel out.
func Weigh(a *Alert, c Context) {
	a.Steps = a.Steps[:0]
	step := func(on bool, by float64, reason string) {
		if on {
			a.Steps = append(a.Steps, Part{Reason: reason, Points: by})
		}
	}
	step(c.CriticalAsset, +1, "a resource that environment.yaml lists as critical")
	step(c.NewNetwork, +1, "from a network that this origin never used before")
	step(c.Impersonated, +1, "with credentials that AWS gave to a workload, used from outside AWS")
	step(c.ProvenAutomation, -1, "proven automation")
	step(c.Scanner, -1, "a scanner that environment.yaml names")
	var sum float64
	for _, s := range a.Steps {
		sum += s.Points
	}
	a.Severity = a.Rule.Level
	switch {
	case sum > 0 && a.Severity < Critical && a.Severity > Informational:
		a.Severity++
	case sum < 0 && a.Severity > Informational:
		a.Severity--
	}
}
