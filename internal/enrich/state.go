package enrich

import (
	"slices"

	"github.com/tocsin-security/tocsin/internal/snapshot"
)

// MaxSessions bounds the sets of temporary credentials that a Survey remembers, at about 700 bytes each. What comes beyond it is not
// learned, and Overflow counts it.
const MaxSessions = 1_000_000

// Sessions is how many sets of temporary credentials are remembered.
func (s *Survey) Sessions() int { return len(s.sessions) }

// Overflow is how many sessions were not learned because there were MaxSessions.
func (s *Survey) Overflow() int64 { return s.overflow }

// Forget drops the sessions that were issued, and who made a role, before a time, in epoch milliseconds.
func (s *Survey) Forget(before int64) {
	for key, x := range s.sessions {
		if x.Time < before {
			delete(s.sessions, key)
		}
	}
	for role, list := range s.roles {
		if list = slices.DeleteFunc(list, func(m making) bool { return m.Time < before }); len(list) == 0 {
			delete(s.roles, role)
		} else {
			s.roles[role] = list
		}
	}
	for as, callers := range s.byARN {
		for c, last := range callers {
			if last < before {
				delete(callers, c)
			}
		}
		if len(callers) == 0 {
			delete(s.byARN, as)
		}
	}
}

// Encode writes all that was learned.
func (s *Survey) Encode(e *snapshot.Encoder) {
	e.Int(s.overflow)
	e.Int(int64(s.changes))
	for _, m := range []counts{s.accounts, s.data, s.regions} {
		e.Len(len(m))
		for name, n := range m {
			e.Text(name)
			e.Int(int64(*n))
		}
	}
	e.Len(len(s.sessions))
	for key, x := range s.sessions {
		e.Text(key)
		x.By.encode(e)
		e.Text(x.As)
		e.Bool(x.MFA)
		e.Int(x.Time)
	}
	e.Len(len(s.byARN))
	for as, callers := range s.byARN {
		e.Text(as)
		e.Len(len(callers))
		for c, last := range callers {
			c.encode(e)
			e.Int(last)
		}
	}
	e.Len(len(s.roles))
	for role, list := range s.roles {
		e.Text(role)
		e.Len(len(list))
		for _, m := range list {
			m.By.encode(e)
			e.Int(m.Time)
		}
	}
}

// DecodeSurvey reads what Encode wrote.
func DecodeSurvey(d *snapshot.Decoder) (*Survey, error) {
	s := &Survey{}
	s.init()
	s.overflow, s.changes = d.Int(), int(d.Int())
	for _, m := range []counts{s.accounts, s.data, s.regions} {
		for range d.Len() {
			name, n := d.Text(), int(d.Int())
			m[name] = &n
		}
	}
	for range d.Len() {
		key := d.Text()
		s.sessions[key] = session{By: decodeCaller(d), As: d.Text(), MFA: d.Bool(), Time: d.Int()}
	}
	for range d.Len() {
		as, callers := d.Text(), map[caller]int64{}
		for range d.Len() {
			c := decodeCaller(d)
			callers[c] = d.Int()
		}
		s.byARN[as] = callers
	}
	for range d.Len() {
		role := d.Text()
		for range d.Len() {
			s.roles[role] = append(s.roles[role], making{By: decodeCaller(d), Time: d.Int()})
		}
	}
	return s, d.Err()
}

func (c *caller) encode(e *snapshot.Encoder) {
	for _, s := range []string{c.Kind, c.ARN, c.AccessKey, c.Account, c.Name, c.InvokedBy, c.Provider} {
		e.Text(s)
	}
	e.Bool(c.Console)
}

func decodeCaller(d *snapshot.Decoder) (c caller) {
	for _, s := range []*string{&c.Kind, &c.ARN, &c.AccessKey, &c.Account, &c.Name, &c.InvokedBy, &c.Provider} {
		*s = d.Text()
	}
	c.Console = d.Bool()
	return c
}
