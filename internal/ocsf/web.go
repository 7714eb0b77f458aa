package ocsf

// What the formats of web requests have in common: the classes and statuses of HTTP Activity.

// classHTTP is OCSF's HTTP Activity.
const classHTTP = 4002

var methods = map[string]int{"CONNECT": 1, "DELETE": 2, "GET": 3, "HEAD": 4, "OPTIONS": 5, "POST": 6, "PUT": 7, "TRACE": 8, "PATCH": 9}

// HTTPClass is the Class of a mapping to HTTP Activity: the activity is the method's.
func HTTPClass(e *Event) (classUID, activityID int) {
	if n := methods[e.Str(HTTPMethod)]; n != 0 {
		return classHTTP, n
	}
	return classHTTP, 99
}

// HTTPMethodOf is a Convert that keeps the methods that OCSF lists.
func HTTPMethodOf(v Value, _ *Event) Value {
	if methods[v.Str] == 0 {
		return Value{}
	}
	return v
}

// HTTPStatus is a Convert that makes status_id of a status code: Failure from 400 on, Success below, missing without a code.
func HTTPStatus(v Value, _ *Event) Value {
	switch {
	case v.Kind != Number:
		return Value{}
	case len(v.Str) == 3 && v.Str >= "400":
		return Value{Number, "2"}
	}
	return Value{Number, "1"}
}
