package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

const (
	bank         = "v1.1/bank_account_data_requests"
	bankPath     = "/v1.1/identity/bank_account_data_requests"
	bankCallback = "NAME_VALIDATOR_REQUEST"
)

var iluma sandbox.Suite

// The suite starts here, because some tests change the variables that say how.
func TestMain(m *testing.M) {
	if _, err := iluma.Sandbox(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	iluma.Main(m)
}

type reply struct {
	status int
	header http.Header
	text   string
}

func (r reply) id(t testing.TB) string {
	t.Helper()
	var record struct{ ID string }
	if err := json.Unmarshal([]byte(r.text), &record); err != nil {
		t.Fatalf("%v: %s", err, r.text)
	}
	return record.ID
}

// Asks the product as an application would: a POST where there is a body, else a GET.
func ask(t testing.TB, world *sandbox.World, path string, body any, magic string) reply {
	t.Helper()
	answer, err := send(world, path, body, magic)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func send(world *sandbox.World, path string, body any, magic string) (reply, error) {
	method, payload := "GET", io.Reader(nil)
	if body != nil {
		written, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		method, payload = "POST", bytes.NewReader(written)
	}
	request, err := http.NewRequest(method, world.URL+path, payload)
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("authorization", world.Authorization())
	if body != nil {
		request.Header.Set("content-type", "application/json")
	}
	if magic != "" {
		request.Header.Set("x-magic-reply", magic)
	}
	answer, err := world.HTTPClient().Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(text)}, err
}

func account(number string) map[string]any {
	return map[string]any{"bank_account_number": number, "bank_code": "BCA"}
}

// recorder takes the place of a test that fails.
type recorder struct {
	name     string
	failed   bool
	skipped  bool
	messages []string
	cleanups []func()
}

func (r *recorder) Cleanup(f func())               { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, values ...any) { r.failed = true; r.Log(fmt.Sprintf(f, values...)) }
func (r *recorder) Failed() bool                   { return r.failed }
func (r *recorder) Fatal(values ...any)            { r.failed = true; r.Log(values...); runtime.Goexit() }
func (r *recorder) Helper()                        {}
func (r *recorder) Log(values ...any)              { r.messages = append(r.messages, fmt.Sprint(values...)) }
func (r *recorder) Name() string                   { return r.name }
func (r *recorder) Skipped() bool                  { return r.skipped }
func (r *recorder) output() string                 { return strings.Join(r.messages, "\n") }

// Runs a test as the testing package does, and returns what it has recorded.
func run(name string, test func(t *recorder)) *recorder {
	t := &recorder{name: name}
	for _, part := range []func(){func() { test(t) }, func() {
		for at := len(t.cleanups) - 1; at >= 0; at-- {
			t.cleanups[at]()
		}
	}} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			part()
		}()
		<-done
	}
	return t
}

// Returns the message with which a call fails its test.
func failure(t *testing.T, world *sandbox.World, call func(world *sandbox.World)) string {
	t.Helper()
	inner := run(t.Name(), func(t *recorder) { call(world.With(t)) })
	if !inner.failed {
		t.Fatal("the call did not fail the test")
	}
	return inner.output()
}

func expectText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

func expectEqual[Value comparable](t *testing.T, received, expected Value) {
	t.Helper()
	if received != expected {
		t.Errorf("received %v, expected %v", received, expected)
	}
}
