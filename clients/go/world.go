package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// How long a wait takes at most, if the test does not say it.
const defaultWait = 5 * time.Second

// A World is the data of one API key, on a sandbox that other tests can use at the same time.
//
// If the sandbox refuses a call, or if an expectation is not met, the test of the world fails at once with the message of
// the sandbox. Like Fatal of a test, the methods belong to the goroutine of the test. [World.With] gives the world to a
// subtest.
type World struct {
	// URL is that of the API.
	URL string
	// APIKey is the key of this world. The key alone chooses the world.
	APIKey string
	// CallbackToken is the value of x-callback-token in callbacks of this world.
	CallbackToken string
	// CAPEM is the certificate authority that clients must trust, if the URL is https.
	CAPEM string
	Name  string
	// Tag is the name of this world in the sandbox's log and journal.
	Tag string

	t       TB
	sandbox *Sandbox
	control *control
	shared  *sharedState
}

// The state that all copies of a world share.
type sharedState struct {
	mutex        sync.Mutex
	failOnUnused bool
	inboxes      map[string]bool
}

// The answer to a new world.
type createdWorld struct {
	Name          string `json:"name"`
	APIKey        string `json:"api_key"`
	CallbackToken string `json:"callback_token"`
	Tag           string `json:"world"`
}

func newWorld(t TB, box *Sandbox, created createdWorld) *World {
	return &World{
		URL:           box.URL,
		APIKey:        created.APIKey,
		CallbackToken: created.CallbackToken,
		CAPEM:         box.CAPEM,
		Name:          created.Name,
		Tag:           created.Tag,
		t:             t,
		sandbox:       box,
		control:       box.control.withKey(created.APIKey),
		shared:        &sharedState{inboxes: map[string]bool{}},
	}
}

// With returns the same world for a subtest, which then fails in place of the test of the world.
func (w *World) With(t TB) *World {
	one := *w
	one.t = t
	return &one
}

// Authorization is the header that chooses this world: Basic …. It is the same as SetBasicAuth(world.APIKey, "").
func (w *World) Authorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(w.APIKey+":"))
}

// HTTPClient returns a client that trusts the sandbox, also if its URL is https. It uses no proxy.
func (w *World) HTTPClient() *http.Client {
	return w.sandbox.HTTPClient()
}

// Next queues an outcome for the next call of an endpoint (its id or path). Queued outcomes are used one after another. It
// returns the whole queue.
func (w *World) Next(endpoint, outcome string) []Queued {
	w.t.Helper()
	return w.queue(Queued{Endpoint: endpoint, Outcome: outcome, Times: 1})
}

// NextTimes queues an outcome for the next calls of an endpoint.
func (w *World) NextTimes(endpoint, outcome string, times int) []Queued {
	w.t.Helper()
	return w.queue(Queued{Endpoint: endpoint, Outcome: outcome, Times: times})
}

// NextRead queues an error for the next GETs of records.
func (w *World) NextRead(endpoint, outcome string, times int) []Queued {
	w.t.Helper()
	return w.queue(Queued{Endpoint: endpoint, Outcome: outcome, Times: times, Reads: true})
}

// Requests returns the requests of this world that match, newest first. They are the latest 100 if there are more:
// [World.RequestPage] returns the others.
func (w *World) Requests(match Match) []Request {
	w.t.Helper()
	return w.RequestPage(match, Page{}).Requests
}

// WaitFor returns the requests that match as soon as there are this many. It fails the test if they do not come within
// this time (60 s at most), and shows the nearest requests.
func (w *World) WaitFor(count int, match Match, within time.Duration) []Request {
	w.t.Helper()
	return w.RequestPage(match, Page{Count: count, Wait: within}).Requests
}

// RequestPage returns a page of the requests that match, with facts about the whole result.
func (w *World) RequestPage(match Match, page Page) RequestList {
	w.t.Helper()
	query, err := match.query()
	if err != nil {
		w.t.Fatal(err)
	}
	if page.OldestFirst {
		query.Set("order", "oldest")
	}
	setNumber(query, "after_seq", page.AfterSeq)
	setNumber(query, "before_seq", page.BeforeSeq)
	setNumber(query, "limit", page.Limit)
	setWait(query, page.Count, page.Wait)
	var list RequestList
	w.get("requests", query, &list)
	return list
}

// Verify fails the test if the expectation is not met, and shows the nearest requests, field by field. It returns the
// traces of the requests that matched.
func (w *World) Verify(expectation Expectation) []string {
	w.t.Helper()
	if expectation.body == nil {
		w.t.Fatal("an empty Expectation expects nothing: call Exactly, AtLeast, AtMost, Between, NeverWithin or InOrder")
	}
	var verified struct {
		Requests []string `json:"requests"`
	}
	w.send("POST", "verify", expectation.body, &verified)
	return verified.Requests
}

// Deliveries returns the callbacks that match, with their attempts, newest first.
//
// With Count, it waits until there are this many. It fails the test with the reasons if they do not come in time, or at once
// if none can come because no URL is registered.
func (w *World) Deliveries(which DeliveryQuery) []Delivery {
	w.t.Helper()
	query := url.Values{}
	setText(query, "type", which.Type)
	setText(query, "record", which.Record)
	setText(query, "state", string(which.State))
	setText(query, "traceparent", which.Traceparent)
	setText(query, "request_id", which.RequestID)
	setNumber(query, "after_seq", which.AfterSeq)
	setNumber(query, "limit", which.Limit)
	setWait(query, which.Count, which.Wait)
	var list struct {
		Deliveries []Delivery `json:"deliveries"`
	}
	w.get("deliveries", query, &list)
	return list.Deliveries
}

// Idle returns when no callback is pending. It fails the test with the pending ones after this time.
//
// It also fails the test if callbacks were dropped since the last reset, because too many of all worlds were pending.
func (w *World) Idle(within time.Duration) {
	w.t.Helper()
	var idle struct {
		Dropped int `json:"dropped_callbacks"`
	}
	w.get("idle", url.Values{"wait": {written(within)}}, &idle)
	if idle.Dropped > 0 {
		w.t.Fatal(fmt.Sprintf("nothing is pending, but %d callbacks were dropped: too many of all worlds were pending", idle.Dropped))
	}
}

// Now is the time of the world's clock.
func (w *World) Now() time.Time {
	w.t.Helper()
	var clock struct {
		Now time.Time `json:"now"`
	}
	w.get("clock", nil, &clock)
	return clock.Now
}

// Advance moves the world's clock forward and runs everything that falls due. It returns the callbacks that were tried.
func (w *World) Advance(by time.Duration) []Delivery {
	w.t.Helper()
	return w.moveClock("clock/advance", map[string]any{"by": written(by)})
}

// SetClock moves the world's clock forward to a time, never back, and runs everything that falls due. It returns the
// callbacks that were tried.
func (w *World) SetClock(now time.Time) []Delivery {
	w.t.Helper()
	return w.moveClock("clock", map[string]any{"now": now.UTC().Format("2006-01-02T15:04:05.000Z07:00")})
}

// SetFaults sets the faults and delays of this world. They replace earlier ones; without any, all are removed.
//
// They end after ttl. The default is 5 minutes, for a ttl of 0.
func (w *World) SetFaults(ttl time.Duration, faults ...Fault) {
	w.t.Helper()
	if len(faults) == 0 {
		w.send("DELETE", "faults", nil, nil)
		return
	}
	body := map[string]any{"faults": faults}
	if ttl != 0 {
		body["ttl"] = written(ttl)
	}
	w.send("PUT", "faults", body, nil)
}

// RegisterCallbackURL registers the URL for callbacks of a type, as the application does. The sandbox sends a test there
// first.
func (w *World) RegisterCallbackURL(callbackType, to string) {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"type": callbackType, "url": to})
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := http.NewRequest("POST", w.URL+"/v1/callback/urls", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.SetBasicAuth(w.APIKey, "")
	request.Header.Set("content-type", "application/json")
	answer, err := w.control.client.Do(request)
	if err != nil {
		w.t.Fatal(w.control.noAnswer(err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(w.control.noAnswer(err))
	}
	if answer.StatusCode != http.StatusOK {
		w.t.Fatal(fmt.Sprintf("the callback URL %s of %s was refused with %d: %s", to, callbackType, answer.StatusCode, text))
	}
}

// Trigger sends a callback without a request. Its record can be read.
func (w *World) Trigger(callback Trigger) Delivery {
	w.t.Helper()
	var delivery Delivery
	w.send("POST", "trigger", callback, &delivery)
	return delivery
}

// Inbox is a receiver for this world's callbacks. Use it instead of your own receiver.
func (w *World) Inbox() *Inbox {
	return w.InboxNamed("inbox")
}

// InboxNamed is another receiver of the same world.
func (w *World) InboxNamed(name string) *Inbox {
	path := "inbox/" + w.Tag + "-" + name
	w.shared.mutex.Lock()
	defer w.shared.mutex.Unlock()
	w.shared.inboxes[path] = true
	return &Inbox{URL: w.URL + "/__sandbox/" + path, world: w, path: path}
}

// Explain explains a response. Its trace is in the header x-sandbox-trace.
func (w *World) Explain(trace string) json.RawMessage {
	w.t.Helper()
	var explanation json.RawMessage
	w.get("explain/"+trace, nil, &explanation)
	return explanation
}

// Summary is the latest requests and callbacks as a short text, also those callbacks that are scheduled.
func (w *World) Summary() string {
	w.t.Helper()
	text, err := w.Call("GET", "summary", nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// VerifyUsed fails the test if it has left something unused: queued outcomes that were never requested, faults that never
// struck, and callbacks that were never awaited. A callback that a receiver of the test's own has accepted counts as
// awaited.
func (w *World) VerifyUsed() {
	w.t.Helper()
	w.get("unused", nil, nil)
}

// FailOnUnused calls VerifyUsed at the end of the test, unless the test has failed already.
func (w *World) FailOnUnused() {
	w.shared.mutex.Lock()
	defer w.shared.mutex.Unlock()
	w.shared.failOnUnused = true
}

// Reset empties the world and its inboxes. When no callback is under way, it returns the number of cancelled callbacks.
func (w *World) Reset() int {
	w.t.Helper()
	var reset struct {
		Cancelled int `json:"cancelled_callbacks"`
	}
	w.send("POST", "reset", nil, &reset)
	if err := w.emptyInboxes(); err != nil {
		w.t.Fatal(err)
	}
	return reset.Cancelled
}

// End ends the world before the test ends, and returns what was still pending. The next request with its key begins a new
// world.
func (w *World) End() Ended {
	w.t.Helper()
	ended, err := w.end()
	if err != nil {
		w.t.Fatal(err)
	}
	return ended
}

// Call makes any other call of the control API, for this world: Call("GET", "snapshot", nil, nil). If the sandbox refuses it,
// the error is an [*Error] with its message, and the test goes on. A body that is not nil is written as JSON.
func (w *World) Call(method, path string, query url.Values, body any) ([]byte, error) {
	return w.control.call(method, path, query, body)
}

func (w *World) queue(outcome Queued) []Queued {
	w.t.Helper()
	var queue struct {
		Waiting []Queued `json:"waiting"`
	}
	w.send("POST", "next", outcome, &queue)
	return queue.Waiting
}

func (w *World) moveClock(path string, body map[string]any) []Delivery {
	w.t.Helper()
	var moved struct {
		Deliveries []Delivery `json:"deliveries"`
	}
	w.send("POST", path, body, &moved)
	return moved.Deliveries
}

func (w *World) get(path string, query url.Values, into any) {
	w.t.Helper()
	answer, err := w.Call("GET", path, query, nil)
	w.read("GET", path, answer, err, into)
}

func (w *World) send(method, path string, body, into any) {
	w.t.Helper()
	answer, err := w.Call(method, path, nil, body)
	w.read(method, path, answer, err, into)
}

func (w *World) read(method, path string, answer []byte, err error, into any) {
	w.t.Helper()
	if err == nil && into != nil {
		if err = json.Unmarshal(answer, into); err != nil {
			err = w.control.notUnderstood(method, path, answer, err)
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func setText(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func setNumber[Number int | uint64](query url.Values, name string, value Number) {
	if value != 0 {
		query.Set(name, fmt.Sprint(value))
	}
}

func setWait(query url.Values, count int, wait time.Duration) {
	if count == 0 {
		return
	}
	if wait == 0 {
		wait = defaultWait
	}
	query.Set("count", strconv.Itoa(count))
	query.Set("wait", written(wait))
}
