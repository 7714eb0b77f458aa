// Package api serves HTTP: the resources for people's tools (/api/v1, described at /openapi.json), the door for pushed logs, and what an
// operator's tools ask (/healthz, /readyz, /metrics).
//
// In: requests with a bearer token. Out: JSON, narrowed to the accounts that the token may see. A token that delivers to a source can
// do nothing else. It holds no rules of the domain: it asks desk, lake and source, and says what they say.
package api
