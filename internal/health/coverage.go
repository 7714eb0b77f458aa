package health

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tocsin-security/tocsin/internal/aws"
)

// Expected is which accounts and Regions should be seen. Nil lists mean that nothing says so.
type Expected struct {
	Accounts []ExpectedAccount
	Regions  []string
}

// ExpectedAccount is an account that should be seen.
type ExpectedAccount struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Closed bool   `json:"closed,omitempty"` // suspended or closing: its silence is expected
	From   string `json:"from"`             // environment.yaml or organizations
}

// ReadOrganization reads what `aws organizations list-accounts` wrote.
func ReadOrganization(path string) ([]ExpectedAccount, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the organisation's accounts: %w", err)
	}
	var list struct {
		Accounts []struct {
			ID     string `json:"Id"`
			Name   string `json:"Name"`
			Status string `json:"Status"`
			State  string `json:"State"`
		} `json:"Accounts"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s is not what `aws organizations list-accounts` writes: %w", path, err)
	}
	if len(list.Accounts) == 0 {
		return nil, fmt.Errorf("%s lists no account: write it with `aws organizations list-accounts > %s`", path, path)
	}
	out := make([]ExpectedAccount, 0, len(list.Accounts))
	for _, a := range list.Accounts {
		if !aws.IsAccount(a.ID) {
			return nil, fmt.Errorf("%s: account id %q is not 12 digits", path, a.ID)
		}
		state := a.State // the successor of Status in the API
		if state == "" {
			state = a.Status
		}
		out = append(out, ExpectedAccount{ID: a.ID, Name: a.Name, Closed: state != "" && state != "ACTIVE" && state != "PENDING_ACTIVATION", From: "organizations"})
	}
	return out, nil
}

// Join adds accounts that are not there yet.
func (e *Expected) Join(more []ExpectedAccount) {
	for _, a := range more {
		i := slices.IndexFunc(e.Accounts, func(x ExpectedAccount) bool { return x.ID == a.ID })
		if i < 0 {
			e.Accounts = append(e.Accounts, a)
			continue
		}
		e.Accounts[i].Closed = e.Accounts[i].Closed || a.Closed
	}
}

// Cell is one account and Region, by source.
type Cell struct {
	Account  string    `json:"account"`
	Name     string    `json:"name,omitempty"`
	Region   string    `json:"region"`
	Source   string    `json:"source"` // "" where nothing was ever seen there
	Formats  []string  `json:"formats"`
	State    State     `json:"state"`
	LastSeen time.Time `json:"last_seen,omitzero"`
	Expected string    `json:"expected"` // yes, no, or unknown where nothing says what is
}

// Coverage is account × Region × source.
type Coverage struct {
	At       time.Time `json:"at"`
	Cells    []Cell    `json:"cells"`
	Seen     int       `json:"seen"`
	Silent   int       `json:"silent"`
	Never    int       `json:"never"` // expected, and nothing was seen of it
	Unknown  bool      `json:"unknown"`
	Sentence string    `json:"sentence"`
}

// Cover lays what is seen over what is expected.
func Cover(r Report, e Expected) Coverage {
	c := Coverage{At: r.At, Cells: []Cell{}, Unknown: len(e.Accounts) == 0}
	index := map[[3]string]int{}
	place := map[[2]string]bool{}
	for i := range r.Sources {
		for j := range r.Sources[i].Streams {
			s := &r.Sources[i].Streams[j]
			if s.Account == "" || s.Format == "" {
				continue
			}
			place[[2]string{s.Account, s.Region}] = true
			id := [3]string{s.Account, s.Region, s.Source}
			at, known := index[id]
			if !known {
				at = len(c.Cells)
				index[id] = at
				c.Cells = append(c.Cells, Cell{Account: s.Account, Region: s.Region, Source: s.Source, Formats: []string{}, State: s.State, Expected: e.expects(s.Account, s.Region)})
			}
			c.Cells[at].take(s)
		}
	}
	for _, a := range e.Accounts {
		if a.Closed {
			continue
		}
		regions := e.Regions
		if len(regions) == 0 {
			if slices.ContainsFunc(c.Cells, func(x Cell) bool { return x.Account == a.ID }) {
				continue
			}
			regions = []string{""}
		}
		for _, region := range regions {
			if !place[[2]string{a.ID, region}] {
				c.Cells = append(c.Cells, Cell{Account: a.ID, Region: region, Formats: []string{}, State: Never, Expected: "yes"})
			}
		}
	}
	c.finish(e)
	return c
}

// take adds a stream to its cell: one that is heard speaks for the cell, else one that is silent.
func (c *Cell) take(s *Stream) {
	c.Formats = append(c.Formats, s.Format)
	if s.LastSeen.After(c.LastSeen) {
		c.LastSeen = s.LastSeen
	}
	rank := map[State]int{Seen: 5, Learning: 4, Quiet: 3, Silent: 2, Stopped: 1}
	if rank[s.State] > rank[c.State] {
		c.State = s.State
	}
}

func (e *Expected) expects(account, region string) string {
	if len(e.Accounts) == 0 {
		return "unknown"
	}
	for _, a := range e.Accounts {
		if a.ID == account && !a.Closed && (len(e.Regions) == 0 || region == "" || slices.Contains(e.Regions, region)) {
			return "yes"
		}
	}
	return "no"
}

func (c *Coverage) finish(e Expected) {
	slices.SortStableFunc(c.Cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Source, b.Source))
	})
	for i := range c.Cells {
		for _, a := range e.Accounts {
			if a.ID == c.Cells[i].Account {
				c.Cells[i].Name = a.Name
			}
		}
	}
	c.count()
}

func (c *Coverage) count() {
	extra := 0
	for i := range c.Cells {
		switch c.Cells[i].State {
		case Never:
			c.Never++
		case Silent:
			c.Silent++
		default:
			c.Seen++
		}
		if c.Cells[i].Expected == "no" {
			extra++
		}
	}
	if c.Unknown {
		c.Sentence = "Nothing says which accounts there should be: list them in environment.yaml, or set organization in tocsin.yaml. What is missing cannot be told."
		return
	}
	c.Sentence = fmt.Sprintf("%d places are seen, %d are silent, %d are expected and were never seen, %d are seen that nobody expects.", c.Seen, c.Silent, c.Never, extra)
}

// Within narrows a coverage to the accounts that someone may see.
func (c Coverage) Within(sees func(account string) bool) Coverage {
	out := c
	out.Cells, out.Seen, out.Silent, out.Never, out.Sentence = []Cell{}, 0, 0, 0, ""
	for _, x := range c.Cells {
		if sees(x.Account) {
			out.Cells = append(out.Cells, x)
		}
	}
	out.count()
	return out
}
