package detect

import (
	"strings"
	"testing"
)

func TestStory(t *testing.T) {
	fields := map[string][]string{
		"actor":     {"alice"},
		"policy":    {"arn:aws:iam::aws:policy/AdministratorAccess"},
		"ports":     {"22", "3389", "5432", "6379", "9200"},
		"long":      {strings.Repeat("é", 200)},
		"emptyText": {""},
	}
	cases := []struct{ template, want string }{
		{"{actor} slept", "alice slept"},
		{"{actor} attached {policy|name}", "alice attached AdministratorAccess"},
		{"opened {ports}", "opened 22, 3389, 5432 and 2 more"},
		{"by {nobody}", "by (not recorded)"},
		{"by {nobody|or:someone}", "by someone"},
		{"by {emptyText|or:someone}", "by someone"},
		{"no placeholder", "no placeholder"},
		{"{long}", strings.Repeat("é", 80) + "…"},
	}
	for _, c := range cases {
		t.Run(c.template, func(t *testing.T) {
			s, err := compileStory(c.template)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.render(func(p string) []string { return fields[p] }); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStoryRefusesBrokenTemplates(t *testing.T) {
	for template, want := range map[string]string{
		"{actor did":  "column 1 has no }",
		"a {} b":      "names no field",
		"a {x|upper}": "neither name nor or:TEXT",
	} {
		if _, err := compileStory(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want a message with %q", template, err, want)
		}
	}
}
