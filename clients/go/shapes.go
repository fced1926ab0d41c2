package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// A Request is a request to a world, and its response. A text that the sandbox does not have is empty.
type Request struct {
	Seq     uint64      `json:"seq"`
	Trace   string      `json:"trace"`
	At      time.Time   `json:"at"`
	World   string      `json:"world"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   url.Values  `json:"query"`
	Headers http.Header `json:"headers"`
	// Body is JSON, or a text as JSON.
	Body      json.RawMessage `json:"body"`
	BodyBytes int64           `json:"body_bytes"`
	// BodySHA256 is the hash of a body of which only a part is kept.
	BodySHA256   string          `json:"body_sha256"`
	Endpoint     string          `json:"endpoint"`
	Outcome      string          `json:"outcome"`
	Status       int             `json:"status"`
	Reply        json.RawMessage `json:"reply"`
	ReplyHeaders http.Header     `json:"reply_headers"` // without length and date
	ReplyBytes   int64           `json:"reply_bytes"`
	// ReplySHA256 is the hash of a response of which only a part is kept.
	ReplySHA256 string `json:"reply_sha256"`
	DurationUS  int64  `json:"duration_us"`
	DelayMS     int64  `json:"delay_ms"`
	Fault       string `json:"fault"`
}

// UnmarshalJSON reads headers and parameters, which are a list only if a name came more than once.
func (r *Request) UnmarshalJSON(text []byte) error {
	type plain Request
	read := struct {
		*plain
		Query        map[string]textOrTexts `json:"query"`
		Headers      map[string]textOrTexts `json:"headers"`
		ReplyHeaders map[string]textOrTexts `json:"reply_headers"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	r.Query = url.Values{}
	for name, values := range read.Query {
		r.Query[name] = values
	}
	r.Headers, r.ReplyHeaders = header(read.Headers), header(read.ReplyHeaders)
	return nil
}

// A Page says which requests are listed, and how long to wait for them. The zero value of a field is the default.
type Page struct {
	// AfterSeq and BeforeSeq list only requests with larger and smaller numbers.
	AfterSeq, BeforeSeq uint64
	OldestFirst         bool
	Limit               int
	// Count is the number of matches to wait for. Without it, the current ones are listed.
	Count int
	// Wait is how long to wait for Count, 60 s at most. The default is 5 seconds.
	Wait time.Duration
}

// RequestList is a list of requests with facts about the whole result.
type RequestList struct {
	Requests []Request `json:"requests"`
	// Matched is the total number, whatever the limit.
	Matched int `json:"matched"`
	// Dropped is the number of requests that the sandbox has dropped, matching or not.
	Dropped int `json:"dropped"`
	// ReachesIntoDropped says that dropped requests could have matched.
	ReachesIntoDropped bool `json:"reaches_into_dropped"`
	// LastSeq is the number of the newest request. Send it as AfterSeq to get later ones.
	LastSeq uint64 `json:"last_seq"`
	// Next gets the next page as BeforeSeq (with OldestFirst as AfterSeq). It is 0 on the last page.
	Next uint64 `json:"next"`
}

// DeliveryState is the state of a callback.
type DeliveryState string

// The states of a callback.
const (
	Scheduled  DeliveryState = "scheduled"
	Sending    DeliveryState = "sending"
	Retrying   DeliveryState = "retrying"
	Delivered  DeliveryState = "delivered"
	Failed     DeliveryState = "failed"
	Cancelled  DeliveryState = "cancelled"
	Suppressed DeliveryState = "suppressed"
	Dropped    DeliveryState = "dropped"
	// NoURL is the state of callbacks that were not sent because their type had no URL. Only DeliveryQuery{State: NoURL}
	// lists them.
	NoURL DeliveryState = "no_url"
)

// A DeliveryQuery says which callbacks are listed, and how long to wait for them. A zero field is no condition.
type DeliveryQuery struct {
	Type   string
	Record string
	State  DeliveryState
	// Traceparent is a whole traceparent, or the 32 hex digits of its trace id.
	Traceparent string
	// RequestID is the x-request-id of the request that caused the callback.
	RequestID string
	AfterSeq  uint64
	Limit     int
	// Count is the number of callbacks to wait for. Without it, the current ones are listed.
	Count int
	// Wait is how long to wait for Count. The default is 5 seconds.
	Wait time.Duration
}

// A Delivery is a callback and its attempts.
type Delivery struct {
	ID           string        `json:"id"`
	Seq          uint64        `json:"seq"`
	Type         string        `json:"type"`
	State        DeliveryState `json:"state"`
	Record       string        `json:"record"`
	Outcome      string        `json:"outcome"`
	URL          string        `json:"url"` // empty in the state NoURL
	Created      time.Time     `json:"created"`
	NextTry      time.Time     `json:"next_try"` // zero if there is none
	OnPurpose    string        `json:"on_purpose"`
	Reason       string        `json:"reason"`
	RedeliveryOf string        `json:"redelivery_of"`
	Depth        int           `json:"depth"`
	Traceparent  string        `json:"traceparent"` // of the request that caused it, and of the callback
	RequestID    string        `json:"request_id"`  // the same for x-request-id
	Body         string        `json:"body"`        // the exact text
	Attempts     []Attempt     `json:"attempts"`
}

// An Attempt is one try to deliver a callback.
type Attempt struct {
	At         time.Time      `json:"at"`
	SentAt     time.Time      `json:"sent_at"` // by the clock of the machine
	Request    string         `json:"request"`
	Status     int            `json:"status"` // 0 if there was no answer
	Answer     string         `json:"answer"`
	Error      string         `json:"error"`
	DurationMS int64          `json:"duration_ms"`
	Addresses  []TriedAddress `json:"addresses"`
	HostMap    string         `json:"host_map"`
	Location   string         `json:"location"`
	AnswerLine string         `json:"answer_line"`
}

// A TriedAddress is an address of a receiver. The error is empty for the one that was reached.
type TriedAddress struct {
	Address string `json:"address"`
	Error   string `json:"error"`
}

// Received is a callback that an inbox has received.
type Received struct {
	Seq      uint64      `json:"seq"`
	Answered int         `json:"answered"`
	Headers  http.Header `json:"headers"`
	Body     string      `json:"body"` // the exact text
}

// UnmarshalJSON reads headers, which are a list only if a name came more than once.
func (r *Received) UnmarshalJSON(text []byte) error {
	type plain Received
	read := struct {
		*plain
		Headers map[string]textOrTexts `json:"headers"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	r.Headers = header(read.Headers)
	return nil
}

// Queued is a queued outcome for future calls.
type Queued struct {
	Endpoint string `json:"endpoint"`
	Outcome  string `json:"outcome"`
	Times    int    `json:"times"`
	Reads    bool   `json:"reads"`
}

// A Fault is a fault or a delay of a world. Without Endpoint, it applies to all products.
type Fault struct {
	Endpoint string `json:"endpoint,omitempty"`
	// Fault is "reset", "truncate", "slow(1kb/s)", 503, …, or a map as in scenario files.
	Fault any `json:"fault,omitempty"`
	// Delay is "3s", "uniform(1s, 3s)", "lognormal(300ms, 0.5)", or a map as in scenario files.
	Delay any `json:"delay,omitempty"`
	// Probability is greater than 0, up to 1. The default is 1.
	Probability float64    `json:"probability,omitempty"`
	RateLimit   *RateLimit `json:"rate_limit,omitempty"`
}

// RateLimit is a number of requests for a time, such as "1m".
type RateLimit struct {
	Limit  int    `json:"limit"`
	Window string `json:"window"`
}

// A Trigger says which callback is sent without a request.
type Trigger struct {
	Type    string `json:"type,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	// Endpoint is needed if several endpoints have the type.
	Endpoint string `json:"endpoint,omitempty"`
	// Set changes the body: {"result.is_found": false}.
	Set map[string]any `json:"set,omitempty"`
}

// Ended is what was still pending in a world when it ended.
type Ended struct {
	// Callbacks were not sent yet or waited for a retry.
	Callbacks []Delivery `json:"callbacks"`
	// MoreCallbacks is the number of callbacks that are not shown.
	MoreCallbacks int `json:"more_callbacks"`
	// Queued is the number of outcomes that no call had used.
	Queued int `json:"queued"`
	// Faults is the number of faults that were still active.
	Faults int `json:"faults"`
}

// The values of a name: a text, or a list if it came more than once.
type textOrTexts []string

func (t *textOrTexts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = []string{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(text, &several)
	*t = several
	return err
}

func header(values map[string]textOrTexts) http.Header {
	header := http.Header{}
	for name, texts := range values {
		for _, text := range texts {
			header.Add(name, text)
		}
	}
	return header
}
