//go:build cgo

package duck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// tableFunctions are the table functions that read nothing but their arguments.
var tableFunctions = []string{"unnest", "range", "generate_series"}

// sources are the kinds of FROM that hold no name of a table or file.
var sources = []string{"SUBQUERY", "JOIN", "EMPTY", "EMPTY_FROM", "EXPRESSION_LIST", "PIVOT", "COLUMN_DATA"}

// functionsRefused tell about the machine, the view or what is outside the scope, run a text as SQL, or only take time.
var functionsRefused = []string{
	"getenv", "current_setting", "getvariable", "nextval", "currval", "write_log", "parse_duckdb_log_message", "stats",
	"json_serialize_plan", "json_execute_serialized_sql", "pg_get_viewdef", "pg_get_expr", "pg_get_constraintdef", "sleep_ms", "pg_sleep",
}

// tableName is a name that a FROM gives, in lower case.
type tableName struct{ catalog, schema, table string }

// checked is what the check of a question found.
type checked struct {
	names []tableName // of Security Lake, each once
}

// check reads the parsed form of a question (json_serialize_sql) and refuses what is not one SELECT over events.
func check(parsed []byte) (*checked, error) {
	statement, err := one(parsed)
	if err != nil {
		return nil, err
	}
	c := &checked{}
	return c, c.walk(statement, map[string]bool{"events": true})
}

// checkFilter reads the parsed form of "SELECT (condition)" and refuses what is more than one condition.
func checkFilter(parsed []byte) error {
	statement, err := one(parsed)
	if err != nil {
		return err
	}
	outer, _ := statement.(map[string]any)
	node, _ := outer["node"].(map[string]any)
	list, _ := node["select_list"].([]any)
	from, _ := node["from_table"].(map[string]any)
	ctes, _ := node["cte_map"].(map[string]any)
	named, _ := ctes["map"].([]any)
	modifiers, _ := node["modifiers"].([]any)
	if node["type"] != "SELECT_NODE" || len(list) != 1 || from["type"] != "EMPTY" || node["where_clause"] != nil || node["having"] != nil || node["qualify"] != nil || len(named)+len(modifiers) > 0 {
		return RefusedError{"a filter is one condition, such as src_ip = '203.0.113.9' AND status = 'Failure'"}
	}
	return nil
}

// one returns the only statement.
func one(parsed []byte) (any, error) {
	var doc struct {
		Error      bool
		Message    string `json:"error_message"`
		Statements []any
	}
	if err := json.Unmarshal(parsed, &doc); err != nil {
		return nil, fmt.Errorf("read the parsed question: %w", err)
	}
	if doc.Error {
		if strings.Contains(doc.Message, "Only SELECT") {
			return nil, RefusedError{"only SELECT is answered: searches never write"}
		}
		return nil, RefusedError{doc.Message}
	}
	if len(doc.Statements) != 1 {
		return nil, RefusedError{fmt.Sprintf("one SELECT at a time: this is %d statements", len(doc.Statements))}
	}
	return doc.Statements[0], nil
}

// walk visits every node. known are the names that a FROM may use: events, and what WITH made before this place. It must never know
// more than the engine does: to the engine, a name that it does not know can be a file.
func (c *checked) walk(x any, known map[string]bool) error {
	switch n := x.(type) {
	case []any:
		for _, item := range n {
			if err := c.walk(item, known); err != nil {
				return err
			}
		}
	case map[string]any:
		if n["type"] == "RECURSIVE_CTE_NODE" {
			return c.recursive(n, known)
		}
		known, err := c.with(n, known)
		if err != nil {
			return err
		}
		if err := c.permitted(n, known); err != nil {
			return err
		}
		for key, item := range n {
			if key == "cte_map" {
				continue // with has been there
			}
			if err := c.walk(item, known); err != nil {
				return err
			}
		}
	}
	return nil
}

// with visits what a node's WITH makes, in order, each knowing those before it and not itself.
func (c *checked) with(n map[string]any, known map[string]bool) (map[string]bool, error) {
	ctes, _ := n["cte_map"].(map[string]any)
	list, _ := ctes["map"].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		name, _ := entry["key"].(string)
		if err := c.walk(entry["value"], known); err != nil {
			return nil, err
		}
		var err error
		if known, err = and(known, name); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// recursive visits a WITH RECURSIVE: its second half knows its own name, and the first does not.
func (c *checked) recursive(n map[string]any, known map[string]bool) error {
	name, _ := n["cte_name"].(string)
	known, err := c.with(n, known)
	if err != nil {
		return err
	}
	inner, err := and(known, name)
	if err != nil {
		return err
	}
	for key, item := range n {
		names := known
		switch key {
		case "cte_map":
			continue
		case "right":
			names = inner
		}
		if err := c.walk(item, names); err != nil {
			return err
		}
	}
	return nil
}

// and returns known with a name that a WITH makes. A name that could be one of a file or of the engine's own is refused.
func and(known map[string]bool, name string) (map[string]bool, error) {
	name = strings.ToLower(name)
	plain := name != "" && strings.IndexFunc(name, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) < 0
	for _, own := range []string{"sqlite_", "pg_", "duckdb_", "pragma_", "information_schema"} {
		plain = plain && !strings.HasPrefix(name, own)
	}
	if !plain {
		return nil, RefusedError{fmt.Sprintf("WITH cannot make the name %q: use letters, digits and _", name)}
	}
	more := map[string]bool{name: true}
	for k := range known {
		more[k] = true
	}
	return more, nil
}

// permitted judges one node: what it reads from, and what it calls.
func (c *checked) permitted(n map[string]any, known map[string]bool) error {
	text := func(key string) string { s, _ := n[key].(string); return s }
	if _, isSource := n["sample"]; isSource {
		switch kind := text("type"); {
		case kind == "BASE_TABLE":
			return c.table(tableName{strings.ToLower(text("catalog_name")), strings.ToLower(text("schema_name")), strings.ToLower(text("table_name"))}, known)
		case kind == "TABLE_FUNCTION":
			f, _ := n["function"].(map[string]any)
			if name, _ := f["function_name"].(string); !slices.Contains(tableFunctions, strings.ToLower(name)) {
				return RefusedError{fmt.Sprintf("the table function %q is not allowed: a search reads the table events and nothing else", name)}
			}
		case kind == "SHOW_REF" && text("show_type") == "DESCRIBE" && text("table_name") == "":
		case n["select_list"] == nil && !slices.Contains(sources, kind):
			return RefusedError{fmt.Sprintf("a search cannot read from %s", strings.ToLower(kind))}
		}
	}
	if name := strings.ToLower(text("function_name")); slices.Contains(functionsRefused, name) {
		return RefusedError{fmt.Sprintf("the function %q is not allowed in a search", name)}
	}
	return nil
}

// table judges the name of a table.
func (c *checked) table(t tableName, known map[string]bool) error {
	if t.catalog == "" && t.schema == "" && known[t.table] {
		return nil
	}
	ok, err := t.ofSecurityLake()
	if err != nil {
		return err
	}
	if !ok {
		return RefusedError{fmt.Sprintf("there is no table %q: the events are in the table events", t.table)}
	}
	if !slices.Contains(c.names, t) {
		c.names = append(c.names, t)
	}
	return nil
}
