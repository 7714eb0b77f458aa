package access

import "slices"

// Scope is the set of accounts whose data may be read. Data without an account is visible to Everything only.
type Scope struct {
	everything bool
	accounts   []string
}

// Everything is the Scope without a bound: for the one who owns the machine.
func Everything() Scope { return Scope{everything: true} }

// Accounts is the Scope of some accounts. None means nothing.
func Accounts(ids ...string) Scope {
	own := slices.Clone(ids)
	slices.Sort(own)
	return Scope{accounts: slices.Compact(own)}
}

// All reports whether the Scope has no bound.
func (s Scope) All() bool { return s.everything }

// List returns the accounts of a bounded Scope, in order.
func (s Scope) List() []string { return slices.Clone(s.accounts) }

// Sees reports whether data of an account may be read.
func (s Scope) Sees(account string) bool {
	_, in := slices.BinarySearch(s.accounts, account)
	return s.everything || account != "" && in
}

// Covers reports whether all that a list of accounts grants lies within the Scope: nobody can give what they do not have. "*" is within
// Everything only, and so is an empty list, which names nothing that could be compared.
func (s Scope) Covers(accounts []string) bool {
	if s.everything {
		return true
	}
	for _, a := range accounts {
		if a == "*" || !s.Sees(a) {
			return false
		}
	}
	return len(accounts) > 0
}
