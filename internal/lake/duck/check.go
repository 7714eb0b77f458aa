//go:build cgo

package duck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// tableFunctions are the table functions that read nothing but their arguments.
var tableFunctions = []string{"unnest", "range", "generate_series"}

// sources are the kinds of FROM that hold no name of a table or file.
var sources = []string{"SUBQUERY", "JOIN", "EMPTY", "EMPTY_FROM", "EXPRESSION_LIST", "PIVOT", "COLUMN_DATA"}

// scalarsRefused tell about the machine, or reach outside the query.
var scalarsRefused = []string{"getenv", "current_setting", "getvariable", "nextval", "currval", "write_log", "parse_duckdb_log_message"}

// check reads the parsed form of a question (json_serialize_sql) and refuses what is not one SELECT over events.
func check(parsed []byte) error {
	var doc struct {
		Error      bool
		Message    string `json:"error_message"`
		Statements []any
	}
	if err := json.Unmarshal(parsed, &doc); err != nil {
		return fmt.Errorf("read the parsed question: %w", err)
	}
	if doc.Error {
		if strings.Contains(doc.Message, "Only SELECT") {
			return RefusedError{"only SELECT is answered: searches never write"}
		}
		return RefusedError{doc.Message}
	}
	if len(doc.Statements) != 1 {
		return RefusedError{fmt.Sprintf("one SELECT at a time: this is %d statements", len(doc.Statements))}
	}
	return walk(doc.Statements[0], map[string]bool{"events": true})
}

// walk visits every node. known are the names that a FROM may use: events, and what WITH made on the way down.
func walk(x any, known map[string]bool) error {
	switch n := x.(type) {
	case []any:
		for _, item := range n {
			if err := walk(item, known); err != nil {
				return err
			}
		}
	case map[string]any:
		known = with(n, known)
		if err := permitted(n, known); err != nil {
			return err
		}
		for _, item := range n {
			if err := walk(item, known); err != nil {
				return err
			}
		}
	}
	return nil
}

// with adds the names of a node's WITH.
func with(n map[string]any, known map[string]bool) map[string]bool {
	ctes, _ := n["cte_map"].(map[string]any)
	list, _ := ctes["map"].([]any)
	if name, ok := n["cte_name"].(string); ok && n["type"] == "RECURSIVE_CTE_NODE" {
		list = append(list, map[string]any{"key": name})
	}
	if len(list) == 0 {
		return known
	}
	more := map[string]bool{}
	for k := range known {
		more[k] = true
	}
	for _, item := range list {
		if entry, ok := item.(map[string]any); ok {
			if name, ok := entry["key"].(string); ok {
				more[strings.ToLower(name)] = true
			}
		}
	}
	return more
}

// permitted judges one node: what it reads from, and what it calls.
func permitted(n map[string]any, known map[string]bool) error {
	text := func(key string) string { s, _ := n[key].(string); return s }
	if _, isSource := n["sample"]; isSource {
		switch kind := text("type"); {
		case kind == "BASE_TABLE":
			if text("schema_name") != "" || text("catalog_name") != "" || !known[strings.ToLower(text("table_name"))] {
				return RefusedError{fmt.Sprintf("there is no table %q: the events are in the table events", text("table_name"))}
			}
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
	if n["class"] == "FUNCTION" && slices.Contains(scalarsRefused, strings.ToLower(text("function_name"))) {
		return RefusedError{fmt.Sprintf("the function %q is not allowed in a search", text("function_name"))}
	}
	return nil
}
