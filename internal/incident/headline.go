package incident

import (
	"fmt"
	"sort"
	"strings"
)

// headlineClauses is how many actions a headline names.
const headlineClauses = 3

// headline is one sentence: the weightiest actions of the story in the order in which they happened.
func headline(in *Incident) string {
	type ranked struct {
		Sentence
		place int
	}
	var lines []ranked
	for i, s := range in.Story {
		lines = append(lines, ranked{s, i})
	}
	sort.SliceStable(lines, func(i, j int) bool {
		a, b := lines[i], lines[j]
		if a.Level != b.Level {
			return a.Level > b.Level
		}
		return tacticOrder[a.Tactic] > tacticOrder[b.Tactic]
	})
	var chosen []ranked
	tactics := map[string]int{}
	for _, l := range lines { // prefer actions of different tactics
		if len(chosen) < headlineClauses && tactics[l.Tactic] == 0 {
			tactics[l.Tactic]++
			chosen = append(chosen, l)
		}
	}
	sort.Slice(chosen, func(i, j int) bool { return chosen[i].place < chosen[j].place })
	if len(chosen) == 0 {
		return in.Alerts[0].Title
	}
	clauses := make([]string, 0, len(chosen))
	for i, c := range chosen {
		text := c.Text
		if i > 0 && c.Subject == chosen[i-1].Subject {
			text = strings.TrimSpace(strings.TrimPrefix(text, c.Subject))
		}
		clauses = append(clauses, text)
	}
	return joinClauses(clauses)
}

func joinClauses(c []string) string {
	switch len(c) {
	case 1:
		return c[0]
	case 2:
		return fmt.Sprintf("%s, and %s", c[0], c[1])
	}
	return fmt.Sprintf("%s, %s, and %s", c[0], strings.Join(c[1:len(c)-1], ", "), c[len(c)-1])
}
