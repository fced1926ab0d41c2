package sandbox

import (
	"encoding/json"
	"runtime"
)

// Ends the world with its test. A test that failed already does not fail twice.
func (w *World) finish() {
	w.t.Helper()
	hasFailed := w.t.Failed() || isPanicking()
	mustBeUsed := w.isStrict() && !hasFailed && !w.t.Skipped()
	if w.sandbox.wasStopped() {
		if mustBeUsed {
			w.t.Errorf("the sandbox was stopped before the end of the test, so nobody knows what is unused: stop it with t.Cleanup")
		}
		return
	}
	if mustBeUsed {
		if _, err := w.Call("GET", "unused", nil, nil); err != nil {
			w.t.Errorf("%v", err)
			hasFailed = true
		}
	}
	if hasFailed {
		w.logSummary()
	}
	if _, err := w.end(); err != nil && !w.t.Failed() {
		w.t.Errorf("the world of the test cannot be ended: %v", err)
	}
}

// Whether the test panics. Its cleanups run before the testing package marks it as failed.
func isPanicking() bool {
	counters := make([]uintptr, 64)
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters)])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" {
			return true
		}
		if !more {
			return false
		}
	}
}

func (w *World) isStrict() bool {
	w.shared.mutex.Lock()
	defer w.shared.mutex.Unlock()
	return w.shared.failOnUnused
}

func (w *World) logSummary() {
	w.t.Helper()
	summary, err := w.Call("GET", "summary", nil, nil)
	if err != nil {
		summary = []byte(err.Error())
	}
	w.t.Log("iluma-sandbox:\n" + string(summary))
}

func (w *World) end() (Ended, error) {
	var answer struct {
		Pending Ended `json:"pending"`
	}
	text, err := w.Call("DELETE", "worlds", nil, nil)
	if err != nil {
		return Ended{}, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return Ended{}, w.control.notUnderstood("DELETE", "worlds", text, err)
	}
	return answer.Pending, w.emptyInboxes()
}

func (w *World) emptyInboxes() error {
	w.shared.mutex.Lock()
	defer w.shared.mutex.Unlock()
	for path := range w.shared.inboxes {
		if _, err := w.Call("DELETE", path, nil, nil); err != nil {
			return err
		}
	}
	return nil
}
