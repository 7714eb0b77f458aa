package desk

import (
	"strconv"
	"strings"

	"github.com/tocsin-security/tocsin/internal/access"
)

// where gathers the conditions of a query and their arguments. Conditions are texts of ours with ? for each argument; both engines
// get $1, $2 … .
type where struct {
	conditions []string
	args       []any
}

func (w *where) and(condition string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.conditions = append(w.conditions, condition)
}

// scope narrows to the accounts of a Scope, by a column that holds one account.
func (w *where) scope(scope access.Scope, column string) {
	if scope.All() {
		return
	}
	list := scope.List()
	if len(list) == 0 {
		w.and("1 = 0")
		return
	}
	args := make([]any, len(list))
	for i, a := range list {
		args[i] = a
	}
	w.and(column+" <> '' AND "+column+" IN (?"+strings.Repeat(", ?", len(list)-1)+")", args...)
}

// String is the WHERE clause.
func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}
