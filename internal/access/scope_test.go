package access

import "testing"

func TestScope(t *testing.T) {
	two := Accounts("222222222222", "111111111111", "222222222222")
	cases := []struct {
		name    string
		scope   Scope
		account string
		want    bool
	}{
		{"everything", Everything(), "333333333333", true},
		{"everything sees what has no account", Everything(), "", true},
		{"own", two, "111111111111", true},
		{"foreign", two, "333333333333", false},
		{"no account", Accounts("", "111111111111"), "", false},
		{"zero", Scope{}, "111111111111", false},
		{"none given", Accounts(), "111111111111", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.scope.Sees(c.account); got != c.want {
				t.Errorf("Sees(%q) = %v", c.account, got)
			}
		})
	}
	if len(two.List()) != 2 || two.All() {
		t.Errorf("two accounts: %v, all %v", two.List(), two.All())
	}
}
