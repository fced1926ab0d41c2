package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// An Error says that the sandbox could not be started or reached, or that it refused a call.
type Error struct {
	// Message shows the nearest requests too, if an expectation was not met.
	Message string
	// Status is that of the answer: 409. It is 0 if there was no answer.
	Status int
	// Word is the word for the error in the answer: "world_in_use".
	Word string
	// Answer is the whole answer.
	Answer []byte

	cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// The error for an answer that is not 2xx.
func refusal(status int, answer []byte) *Error {
	var body struct {
		Error      string     `json:"error"`
		Message    string     `json:"message"`
		NearMisses []nearMiss `json:"near_misses"`
		Why        []string   `json:"why"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		body.Message = strings.TrimSpace(string(answer))
	}
	if body.Message == "" {
		body.Message = fmt.Sprintf("the sandbox answered %d", status)
	}
	lines := []string{body.Message}
	for _, miss := range body.NearMisses {
		lines = append(lines, miss.lines()...)
	}
	for _, reason := range body.Why {
		lines = append(lines, "  "+reason)
	}
	return &Error{Message: strings.Join(lines, "\n"), Status: status, Word: body.Error, Answer: answer}
}

type nearMiss struct {
	Trace       string `json:"trace"`
	Request     string `json:"request"`
	Differences []struct {
		Field     string          `json:"field"`
		Expected  json.RawMessage `json:"expected"`
		Received  json.RawMessage `json:"received"`
		Note      string          `json:"note"`
		LookAlike string          `json:"look_alike"`
	} `json:"differences"`
}

func (m nearMiss) lines() []string {
	lines := []string{fmt.Sprintf("  close was %s, %s:", m.Trace, m.Request)}
	for _, difference := range m.Differences {
		received := firstOf(difference.Note, "received "+firstOf(string(difference.Received), "null"))
		line := fmt.Sprintf("    %s: expected %s, %s", difference.Field, firstOf(string(difference.Expected), "null"), received)
		if difference.LookAlike != "" {
			line += " (they look alike: " + difference.LookAlike + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func namingTheToken(err error) error {
	var refused *Error
	if !errors.As(err, &refused) || (refused.Word != "control_token_required" && refused.Word != "wrong_control_token") {
		return err
	}
	named := *refused
	named.Message += ". Set ILUMA_SANDBOX_CONTROL_TOKEN, or the field ControlToken of ConnectOptions"
	return &named
}
