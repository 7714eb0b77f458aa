package assistant

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Ask asks the API in the name of whoever called. body is JSON or nil.
type Ask func(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)

// maxRows is the most rows that a search gives.
const maxRows = 200

type searchInput struct {
	SQL    string `json:"sql,omitempty" jsonschema:"one SELECT over the table events; give this or filter"`
	Filter string `json:"filter,omitempty" jsonschema:"a condition over the columns of events, such as src_ip = '198.51.100.7'"`
	From   string `json:"from,omitempty" jsonschema:"events from this time on, as 2026-03-10T10:00:00Z"`
	To     string `json:"to,omitempty" jsonschema:"events before this time"`
	Rows   int    `json:"rows,omitempty" jsonschema:"at most so many rows; 50 where it is left out, 200 at most"`
}

type incidentInput struct {
	UID   string `json:"uid,omitempty" jsonschema:"the incident; left out lists incidents, the weightiest first"`
	After string `json:"after,omitempty" jsonschema:"the next of the list before"`
	Limit int    `json:"limit,omitempty" jsonschema:"how many to list; 20 where it is left out, 100 at most"`
}

type coverageInput struct {
	Of string `json:"of,omitempty" jsonschema:"accounts (which accounts and Regions are seen; the default) or attack (ATT&CK techniques, and which rules see them)"`
}

type explainInput struct {
	Alert string `json:"alert,omitempty" jsonschema:"uid of an alert: why it was raised, its matches, the steps of its severity, the sum of its score"`
	Rule  string `json:"rule,omitempty" jsonschema:"id of a rule: its conditions, the data that it needs, whether it sees"`
}

type entityInput struct {
	Kind  string `json:"kind" jsonschema:"kind of entity, such as principal, origin, ip, access_key, bucket"`
	Value string `json:"value" jsonschema:"the entity, as events name it"`
}

// Server makes the server of the tools. paths reports whether the API has a path: a tool without one is left out.
func Server(version string, paths func(string) bool, ask Ask) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "tocsin", Version: version}, &mcp.ServerOptions{
		Instructions: "Tools that read from Tocsin, a platform that detects and investigates security events. None changes anything. " + warning + " The marks are " + markOpen + " and " + markClose + ".",
	})
	add(s, ask, "search", "Search events", "Ask the lake of events, in SQL or by a filter. SELECT * FROM events LIMIT 1 shows the columns.", func(in searchInput) (request, error) {
		if in.Rows <= 0 {
			in.Rows = 50
		}
		in.Rows = min(in.Rows, maxRows)
		return post("/api/v1/search", in)
	})
	add(s, ask, "incident", "Incidents", "One incident with its story, alerts and why it ranks, or the list of incidents.", func(in incidentInput) (request, error) {
		if in.UID != "" {
			return get("/api/v1/incidents/" + segment(in.UID))
		}
		if in.Limit <= 0 {
			in.Limit = 20
		}
		return get("/api/v1/incidents?" + url.Values{"limit": {strconv.Itoa(min(in.Limit, 100))}, "after": {in.After}}.Encode())
	})
	add(s, ask, "coverage", "Coverage", "What Tocsin sees and does not: accounts and Regions, or ATT&CK techniques.", func(in coverageInput) (request, error) {
		switch in.Of {
		case "", "accounts":
			return get("/api/v1/coverage")
		case "attack":
			return get("/api/v1/attack")
		}
		return request{}, fmt.Errorf("of is accounts or attack, not %q", in.Of)
	})
	add(s, ask, "explain", "Explain", "Why an alert was raised, or what a rule looks for.", func(in explainInput) (request, error) {
		switch {
		case (in.Alert == "") == (in.Rule == ""):
			return request{}, fmt.Errorf("give alert or rule, one of the two")
		case in.Rule != "":
			return get("/api/v1/rules/" + segment(in.Rule))
		}
		return get("/api/v1/alerts/" + segment(in.Alert))
	})
	if paths("/api/v1/entity") {
		add(s, ask, "entity", "Entity", "The profile of an entity: who, since when, what it does, and what of it is new.", func(in entityInput) (request, error) {
			return get("/api/v1/entity?" + url.Values{"kind": {in.Kind}, "value": {in.Value}}.Encode())
		})
	}
	return s
}

// request is what a tool asks of the API.
type request struct {
	method, path string
	body         []byte
}

func get(path string) (request, error) { return request{http.MethodGet, path, nil}, nil }

func post(path string, body any) (request, error) {
	b, err := json.Marshal(body)
	return request{http.MethodPost, path, b}, err
}

// segment is text as one step of a path. A step of dots would lead elsewhere.
func segment(s string) string {
	if strings.Trim(s, ".") == "" {
		return "none"
	}
	return url.PathEscape(s)
}

// add adds a tool that only reads.
func add[In any](s *mcp.Server, ask Ask, name, title, description string, make func(In) (request, error)) {
	no := false
	tool := &mcp.Tool{Name: name, Title: title, Description: description, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, DestructiveHint: &no, IdempotentHint: true, OpenWorldHint: &no, Title: title}}
	mcp.AddTool(s, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		r, err := make(in)
		if err != nil {
			return nil, nil, err
		}
		status, answer, err := ask(ctx, r.method, r.path, r.body)
		if err != nil {
			return nil, nil, err
		}
		text, err := Mark(answer)
		if err != nil {
			return nil, nil, fmt.Errorf("tocsin answered %d: %w", status, err)
		}
		return &mcp.CallToolResult{IsError: status != http.StatusOK, Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
	})
}
