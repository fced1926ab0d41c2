package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// A Match is the conditions for a request. A zero field is no condition.
type Match struct {
	// Endpoint is the id or the path of an endpoint.
	Endpoint string
	// Outcome is "COMPLETED_FOUND", or the whole tag.
	Outcome string
	Status  int
	Method  string
	Path    string
	Trace   string
	// Traceparent is a whole traceparent, or the 32 hex digits of its trace id.
	Traceparent string
	// RequestID is the header x-request-id.
	RequestID string
	// Body has dotted paths into the body: {"given_names": "Eko", "addresses.0.country": "ID"}. A dot in a name is written
	// with a backslash: {`meta\.id`: 7}. A nil value means that the value is missing.
	Body map[string]any
	// Headers and Query have all values of a name, or nil if it is missing. http.Header and url.Values fit too.
	Headers map[string][]string
	Query   map[string][]string
}

// The conditions in the form of the sandbox: `body.given_names`, `header.x-test`, `query.page`.
func (m Match) conditions() map[string]any {
	conditions := map[string]any{}
	texts := map[string]string{
		"endpoint": m.Endpoint, "outcome": m.Outcome, "method": m.Method, "path": m.Path, "trace": m.Trace,
		"traceparent": m.Traceparent, "request_id": m.RequestID,
	}
	for name, text := range texts {
		if text != "" {
			conditions[name] = text
		}
	}
	if m.Status != 0 {
		conditions["status"] = m.Status
	}
	for path, value := range m.Body {
		conditions["body."+path] = value
	}
	for name, values := range m.Headers {
		conditions["header."+strings.ToLower(name)] = oneOrAll(values)
	}
	for name, values := range m.Query {
		conditions["query."+name] = oneOrAll(values)
	}
	return conditions
}

// The values in the form of the sandbox, where only a name that came more than once has a list.
func oneOrAll(values []string) any {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	default:
		return values
	}
}

// The conditions as the parameters of a URL. JSON keeps the text "null" apart from a missing value.
func (m Match) query() (url.Values, error) {
	query := url.Values{}
	for name, value := range m.conditions() {
		written, err := json.Marshal(value)
		if err != nil {
			return nil, &Error{Message: fmt.Sprintf("`%s` cannot be written as JSON: %v", name, err)}
		}
		query.Set(name, string(written))
	}
	return query, nil
}

// An Expectation is what [World.Verify] expects of the requests of a world.
type Expectation struct {
	body map[string]any
}

// Exactly expects this number of requests that match.
func Exactly(count int, match Match) Expectation {
	return expect(match, "exactly", count)
}

// AtLeast expects this number of requests that match, or more.
func AtLeast(count int, match Match) Expectation {
	return expect(match, "at_least", count)
}

// AtMost expects this number of requests that match, or fewer.
func AtMost(count int, match Match) Expectation {
	return expect(match, "at_most", count)
}

// Between expects a number of requests that match, from least to most.
func Between(least, most int, match Match) Expectation {
	return expect(match, "at_least", least).with("at_most", most)
}

// NeverWithin waits for this time, and expects that no request matches.
func NeverWithin(duration time.Duration, match Match) Expectation {
	return expect(match, "never_within", written(duration))
}

// InOrder expects requests that match one after another. Other requests may come between them.
func InOrder(matches ...Match) Expectation {
	steps := []map[string]any{}
	for _, match := range matches {
		steps = append(steps, match.conditions())
	}
	return Expectation{body: map[string]any{"in_order": steps}}
}

// Within says how long to wait until the expectation is met. The default is not to wait.
func (e Expectation) Within(duration time.Duration) Expectation {
	return e.with("wait", written(duration))
}

// After lets only requests with a larger Seq count.
func (e Expectation) After(seq uint64) Expectation {
	return e.with("after_seq", seq)
}

func expect(match Match, name string, value any) Expectation {
	return Expectation{body: map[string]any{"request": match.conditions(), name: value}}
}

func (e Expectation) with(name string, value any) Expectation {
	body := map[string]any{name: value}
	for other, earlier := range e.body {
		if other != name {
			body[other] = earlier
		}
	}
	return Expectation{body: body}
}

// A duration in the form of the sandbox, rounded to milliseconds.
func written(duration time.Duration) string {
	return fmt.Sprintf("%dms", duration.Round(time.Millisecond).Milliseconds())
}
