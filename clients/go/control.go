package sandbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Longer than any answer takes: a request waits 60 s at most, and an advance waits for receivers.
const callTimeout = 10 * time.Minute

// The control API, for one world or, without a key, for none.
type control struct {
	url    string
	key    string
	token  string
	client *http.Client
}

// Each call has its own connection, so that no goroutine of a connection outlives it. No proxy is used, even if the
// environment names one.
func newControl(where, token, caPEM string) (*control, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	if caPEM != "" {
		trusted, err := x509.SystemCertPool()
		if err != nil {
			trusted = x509.NewCertPool()
		}
		if !trusted.AppendCertsFromPEM([]byte(caPEM)) {
			return nil, &Error{Message: "the certificate authority of the sandbox is no certificate in the form of PEM"}
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	client := &http.Client{Transport: transport, Timeout: callTimeout}
	return &control{url: where, token: token, client: client}, nil
}

func (c *control) withKey(key string) *control {
	one := *c
	one.key = key
	return &one
}

// The answer of /__sandbox/{path}, or an *Error with the sandbox's message if it refuses.
func (c *control) call(method, path string, query url.Values, body any) ([]byte, error) {
	request, err := c.request(method, path, query, body)
	if err != nil {
		return nil, err
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, c.noAnswer(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, c.noAnswer(err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, refusal(answer.StatusCode, text)
	}
	return text, nil
}

func (c *control) request(method, path string, query url.Values, body any) (*http.Request, error) {
	target := url.URL{Path: "/__sandbox/" + path, RawQuery: query.Encode()}
	var payload io.Reader
	if body != nil {
		written, err := json.Marshal(body)
		if err != nil {
			return nil, &Error{Message: fmt.Sprintf("the body of %s %s cannot be written as JSON: %v", method, path, err)}
		}
		payload = bytes.NewReader(written)
	}
	request, err := http.NewRequest(method, c.url+target.String(), payload)
	if err != nil {
		return nil, c.noAnswer(err)
	}
	request.Header.Set("accept", "application/json")
	if body != nil {
		request.Header.Set("content-type", "application/json")
	}
	if c.key != "" {
		request.SetBasicAuth(c.key, "")
	}
	if c.token != "" {
		request.Header.Set("x-sandbox-control-token", c.token)
	}
	return request, nil
}

func (c *control) noAnswer(err error) error {
	return &Error{Message: fmt.Sprintf("the sandbox at %s does not answer: %v", c.url, err), cause: err}
}

// The program there may be another one, or a release that answers otherwise.
func (c *control) notUnderstood(method, path string, answer []byte, err error) error {
	shown := answer[:min(len(answer), 200)]
	message := fmt.Sprintf("%s answered %s /__sandbox/%s with something else than a sandbox: %v: %s", c.url, method, path, err, shown)
	return &Error{Message: message, cause: err}
}
