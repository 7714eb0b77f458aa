package enrich

import (
	"sort"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// caller is who asked for something, as its record says.
type caller struct {
	Kind      string // userIdentity.type
	ARN       string
	AccessKey string
	Account   string
	Name      string
	InvokedBy string
	Provider  string // identity provider of a federated caller
	Console   bool
}

// session is one set of temporary credentials: who asked for it and as what.
type session struct {
	By   caller
	As   string // ARN of the role session
	MFA  bool
	Time int64
}

// Survey is what the first reading learns. It has one owner at a time; Merge joins two. The zero value is ready.
type Survey struct {
	accounts counts
	sessions map[string]session          // by access key id
	byARN    map[string]map[caller]int64 // callers by the role session that they asked for, and when they last did
	roles    map[string][]making         // who made a role, by account and name
	data     counts                      // events by kind of log
	regions  counts
	changes  int
	overflow int64 // sessions that were not learned, see MaxSessions
}

func (s *Survey) init() {
	if s.accounts == nil {
		s.accounts, s.sessions, s.byARN, s.roles, s.data, s.regions = counts{}, map[string]session{}, map[string]map[caller]int64{}, map[string][]making{}, counts{}, counts{}
	}
}

// Add learns from one event.
func (s *Survey) Add(e *ocsf.Event) {
	s.init()
	accounts := len(s.accounts)
	count(s.accounts, e.Str(ocsf.CloudAccountUID))
	s.changes += len(s.accounts) - accounts
	count(s.regions, e.Str(ocsf.CloudRegion))
	for _, kind := range DataKinds(e) {
		count(s.data, kind)
	}
	if e.Mapping.Name != "cloudtrail" && e.Mapping.Name != "ocsfjson" {
		return
	}
	switch e.Text(at.service) {
	case "sts.amazonaws.com", "signin.amazonaws.com":
		s.learnSession(e)
	case "iam.amazonaws.com":
		if e.Text(at.operation) == "CreateRole" {
			s.learnRole(e)
		}
	}
}

// learnSession remembers which credentials were issued, to whom and as what.
func (s *Survey) learnSession(e *ocsf.Event) {
	key := e.Text(at.credentials)
	if key == "" {
		return
	}
	as := e.Text(at.assumedARN)
	if as == "" {
		as = e.Text(at.federatedARN)
	}
	issued := session{By: ownedCaller(callerOf(e)), As: strings.Clone(as), MFA: e.Text(at.mfa) == "true", Time: e.Millis}
	s.session(strings.Clone(key), issued)
	if as != "" {
		if s.byARN[issued.As] == nil {
			s.byARN[issued.As] = map[caller]int64{}
		}
		callers := len(s.byARN[issued.As])
		s.byARN[issued.As][issued.By] = max(s.byARN[issued.As][issued.By], e.Millis)
		s.changes += len(s.byARN[issued.As]) - callers
	}
}

// session keeps the record that says most: a cross-account AssumeRole is logged in both accounts, and only the
// caller's own record names its access key.
func (s *Survey) session(key string, issued session) {
	old, known := s.sessions[key]
	if !known && len(s.sessions) >= MaxSessions {
		s.overflow++
		return
	}
	if !known || says(issued.By) > says(old.By) || says(issued.By) == says(old.By) && issued.By.ARN+issued.By.AccessKey < old.By.ARN+old.By.AccessKey {
		s.sessions[key] = issued
		s.changes++
	}
}

// Changes counts what was learned that can change who stands behind a session, or which accounts are ours. Where it has not
// moved, nothing that was judged before can come out otherwise.
func (s *Survey) Changes() int { return s.changes }

func says(c caller) int {
	n := 0
	for _, text := range []string{c.AccessKey, c.ARN, c.InvokedBy, c.Provider} {
		if text != "" {
			n++
		}
	}
	return n
}

// counts is a tally by text. It keeps pointers, as assigning to an existing key would make the map hold the caller's
// text in place of its own.
type counts map[string]*int

func count(m counts, key string) {
	if key == "" {
		return
	}
	if n := m[key]; n != nil {
		*n++
		return
	}
	one := 1
	m[strings.Clone(key)] = &one
}

func (m counts) of(key string) int {
	if n := m[key]; n != nil {
		return *n
	}
	return 0
}

func (m counts) merge(other counts) {
	for k, n := range other {
		if mine := m[k]; mine != nil {
			*mine += *n
		} else {
			m[k] = n
		}
	}
}

func callerOf(e *ocsf.Event) caller {
	if !isCall(e) {
		return otherCaller(e)
	}
	c := caller{
		Kind: e.Text(at.kind), ARN: e.Text(at.arn), AccessKey: e.Text(at.accessKey), Account: e.Text(at.account), Name: e.Text(at.name),
		InvokedBy: e.Text(at.invokedBy), Provider: e.Text(at.idp), Console: e.Text(at.fromConsole) == "true",
	}
	if c.Provider == "" {
		c.Provider = e.Text(at.federatedProvider)
	}
	return c
}

func ownedCaller(c caller) caller {
	for _, s := range []*string{&c.Kind, &c.ARN, &c.AccessKey, &c.Account, &c.Name, &c.InvokedBy, &c.Provider} {
		*s = strings.Clone(*s)
	}
	return c
}

// Merge takes what other learned in; other must not be used afterwards.
func (s *Survey) Merge(other *Survey) {
	s.init()
	s.accounts.merge(other.accounts)
	s.data.merge(other.data)
	s.regions.merge(other.regions)
	for k, v := range other.sessions {
		s.session(k, v)
	}
	for role, list := range other.roles {
		for _, m := range list {
			s.made(role, m)
		}
	}
	for as, callers := range other.byARN {
		if s.byARN[as] == nil {
			s.byARN[as] = callers
			continue
		}
		for c, at := range callers {
			s.byARN[as][c] = max(s.byARN[as][c], at)
		}
	}
}

// Accounts lists the accounts that received records: ours.
func (s *Survey) Accounts() []string { return sortedKeys(s.accounts) }

// Own is how many accounts received records.
func (s *Survey) Own() int { return len(s.accounts) }

// Regions lists the Regions with events.
func (s *Survey) Regions() []string { return sortedKeys(s.regions) }

// Data returns how many events there are by kind of log, as rules name the data they need.
func (s *Survey) Data() map[string]int {
	out := make(map[string]int, len(s.data))
	for k, n := range s.data {
		out[k] = *n
	}
	return out
}

func sortedKeys(m counts) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// DataKinds names the kinds of log that an event is of, as the attribute data of rules does.
func DataKinds(e *ocsf.Event) []string {
	if name := e.Mapping.Name; name != "cloudtrail" && name != "ocsfjson" {
		return []string{name}
	}
	service, _, _ := strings.Cut(e.Text(at.service), ".")
	switch category := e.Text(at.category); {
	case category == "Data":
		return []string{"cloudtrail.data." + service}
	case category == "NetworkActivity":
		return []string{"cloudtrail.network"}
	case category == "Insight":
		return []string{"cloudtrail.insight"}
	case service == "signin":
		return []string{"cloudtrail.signin", "cloudtrail.management"}
	}
	return []string{"cloudtrail.management"}
}

// chainLimit bounds how many roles a chain is followed through.
const chainLimit = 8

// trace follows a session back to who first obtained credentials. chain lists the role sessions on the way, the
// latest first; known is false where the record that issued the first link is not in the input.
func (s *Survey) trace(c caller) (origin caller, chain []string, known bool) {
	known = true
	for range chainLimit {
		if c.Kind != "AssumedRole" && c.Kind != "FederatedUser" && !strings.HasPrefix(c.AccessKey, "ASIA") {
			return c, chain, known
		}
		issued, found := s.sessions[c.AccessKey]
		if !found {
			issued, found = s.onlyCaller(c.ARN)
		}
		if !found || issued.By == c {
			return c, chain, c.Kind != "AssumedRole" && c.Kind != "FederatedUser"
		}
		if c.Kind == "AssumedRole" {
			chain = append(chain, c.ARN)
		}
		c = issued.By
	}
	return c, chain, false
}

// onlyCaller returns the one caller that ever asked for a role session of this name, if there is just one.
func (s *Survey) onlyCaller(as string) (session, bool) {
	callers := s.byARN[as]
	if as == "" || len(callers) != 1 {
		return session{}, false
	}
	for c := range callers {
		return session{By: c, As: as}, true
	}
	return session{}, false
}

// own reports whether an account received records in the input.
func (s *Survey) own(account string) bool { return s.accounts.of(account) > 0 }
