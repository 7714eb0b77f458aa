package desk

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

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
		args[i] = text(a)
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

// ErrCursor says that an After is none that a page gave.
var ErrCursor = errors.New("after: give the next of the page before, as it was")

// sorted is the order of a list: by rank, or the newest first. Both end with the uid, so that there is one order only.
func sorted(ranked bool) string {
	if ranked {
		return ` ORDER BY score DESC, last_seen DESC, uid`
	}
	return ` ORDER BY last_seen DESC, uid`
}

// place is where a page ends: the values that it is sorted by. What comes or goes before it moves nothing after it.
func place(ranked bool, score float64, last time.Time, uid string) string {
	kind := "n"
	if ranked {
		kind = "r"
	}
	at := kind + " " + strconv.FormatFloat(score, 'g', -1, 64) + " " + strconv.FormatInt(last.UnixMilli(), 10) + " " + uid
	return base64.RawURLEncoding.EncodeToString([]byte(at))
}

// after narrows to what comes after a place; "" is the beginning.
func (w *where) after(cursor string, ranked bool) error {
	if cursor == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.SplitN(string(raw), " ", 4)
	if err != nil || len(parts) != 4 || (parts[0] == "r") != ranked || parts[0] != "r" && parts[0] != "n" {
		return ErrCursor
	}
	score, err := strconv.ParseFloat(parts[1], 64)
	last, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || err2 != nil || math.IsNaN(score) || math.IsInf(score, 0) {
		return ErrCursor
	}
	uid := text(parts[3])
	if ranked {
		w.and("score <= ?", score) // an index can begin there
		w.and("(score < ? OR score = ? AND (last_seen < ? OR last_seen = ? AND uid > ?))", score, score, last, last, uid)
		return nil
	}
	w.and("last_seen <= ?", last)
	w.and("(last_seen < ? OR last_seen = ? AND uid > ?)", last, last, uid)
	return nil
}
