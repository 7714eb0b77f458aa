package audit

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Source is the name of the source that the audit log comes into the lake by.
const Source = "tocsin-audit"

// Events writes entries as OCSF 1.8.0 events, one a line: Authentication (3002) for sign-ins, API Activity (6003) for all else.
func Events(list []Entry) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for i := range list {
		if err := enc.Encode(event(&list[i])); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

type object = map[string]any

func event(e *Entry) object {
	class, category, activity, name, className := 6003, 6, activityOf(e.Action), "Application Activity", "API Activity"
	if e.Action == "signin" || e.Action == "signout" {
		class, category, name, className = 3002, 3, "Identity & Access Management", "Authentication"
		activity = map[string]int{"signin": 1, "signout": 2}[e.Action]
	}
	status := map[string]int{Success: 1, Failure: 2, Denied: 2}[e.Outcome]
	actor := e.Actor
	if actor == "" {
		actor = "nobody"
	}
	user := object{"name": actor, "uid": e.Kind + ":" + actor, "type_id": 99, "type": e.Kind}
	out := object{
		"class_uid": class, "class_name": className, "category_uid": category, "category_name": name, "activity_id": activity, "type_uid": class*100 + activity,
		"severity_id": 1, "status_id": status, "time": e.At.UnixMilli(), "message": e.Detail, "status_detail": e.Outcome,
		"metadata": object{"version": "1.8.0", "uid": Source + "-" + e.ID, "product": object{"name": "Tocsin", "vendor_name": "Tocsin"}, "profiles": []string{}},
		"actor":    object{"user": user}, "src_endpoint": endpoint(e.Address), "api": object{"operation": e.Action, "service": object{"name": "tocsin"}},
	}
	if class == 3002 {
		out["user"], out["dst_endpoint"], out["service"] = user, object{"svc_name": "tocsin"}, object{"name": "tocsin"}
		delete(out, "api")
	}
	if e.Object != "" && class == 6003 {
		out["resources"] = []object{{"uid": e.Object}}
	}
	return out
}

func endpoint(address string) object {
	if address == "" {
		return object{"name": "tocsin"}
	}
	return object{"ip": address}
}

// activityOf gives the activity_id of API Activity: 1 Create, 2 Read, 3 Update, 4 Delete.
func activityOf(action string) int {
	_, verb, _ := strings.Cut(action, ".")
	switch verb {
	case "add", "invite", "accept":
		return 1
	case "remove", "end", "revoke":
		return 4
	case "":
		return 2 // a query
	}
	return 3
}
