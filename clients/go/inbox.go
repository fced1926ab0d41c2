package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An Inbox is a receiver for callbacks that is part of the sandbox. It answers 200. With inbox.URL + "?status=500&times=2"
// it refuses the first two callbacks.
type Inbox struct {
	// URL is what to register for callbacks.
	URL string

	world *World
	path  string
}

// Received returns the callbacks that have come, newest first.
func (i *Inbox) Received() []Received {
	i.world.t.Helper()
	return i.list(url.Values{})
}

// WaitFor waits until this number of callbacks have come, and returns all. It fails the test if they do not come within
// this time, or at once if none can come because no URL is registered.
func (i *Inbox) WaitFor(count int, within time.Duration) []Received {
	i.world.t.Helper()
	return i.list(url.Values{"count": {strconv.Itoa(count)}, "wait": {written(within)}})
}

func (i *Inbox) list(query url.Values) []Received {
	t := i.world.t
	t.Helper()
	answer, err := i.world.Call("GET", i.path, query, nil)
	var refused *Error
	if errors.As(err, &refused) && refused.Status == 408 {
		t.Fatal(i.tooFew(query, refused.Answer))
	}
	var list struct {
		Received []Received `json:"received"`
	}
	i.world.read("GET", i.path, answer, err, &list)
	return list.Received
}

func (i *Inbox) tooFew(query url.Values, answer []byte) string {
	var came struct {
		Received []json.RawMessage `json:"received"`
		Why      []string          `json:"why"`
	}
	_ = json.Unmarshal(answer, &came) // without the reasons, the number of callbacks still says what is wrong
	message := fmt.Sprintf("%d of %s callbacks came to %s", len(came.Received), query.Get("count"), i.URL)
	if len(came.Why) == 0 {
		return message + " within " + query.Get("wait")
	}
	return message + "\n  " + strings.Join(came.Why, "\n  ")
}
