package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// DocumentedAPIKey is the API key in the provider's documentation. Every sandbox accepts it, and everybody who uses it
// shares its world.
const DocumentedAPIKey = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"

// The longest name that a world can have.
const nameCharactersMax = 200

// Options says how [Start] starts a sandbox. The zero value of a field is the default.
type Options struct {
	// Seed is the number that ids and invented data are derived from.
	Seed uint64
	// Clock is "2026-01-01T00:00:00Z", or "system" for the real time.
	Clock string
	// Scenarios are folders of scenario files. A relative path begins at the folder of the package that is tested.
	Scenarios []string
	Strict    bool
	// TLS serves HTTPS, with a certificate authority of its own. Only CAPEM of the sandbox has its certificate.
	TLS bool
	// Bind is the address to listen at. The default is 127.0.0.1.
	Bind string
	// Port is a free port, unless it is set.
	Port int
	// Args are any other flags of `iluma-sandbox serve`: {"--callback-retries", "none"}.
	Args []string
	// Binary is a path, or a name on PATH. The default is the variable ILUMA_SANDBOX_BIN, or else iluma-sandbox on PATH.
	Binary string
	// LogFormat is "pretty" or "json". The default is no log.
	LogFormat string
	// LogFile is the file to which the log is appended. The default is the stderr of this process.
	LogFile string
	// StartTimeout is how long the start may take. The default is 30 seconds.
	StartTimeout time.Duration
}

// ConnectOptions says to which sandbox [Connect] connects. The default of a field is a variable, as in the commands of the
// sandbox. An empty variable counts as not set.
type ConnectOptions struct {
	// URL is that of the API. The default is ILUMA_SANDBOX_URL.
	URL string
	// APIKey is ILUMA_SANDBOX_API_KEY, or else the key of the documentation.
	APIKey string
	// ControlToken is ILUMA_SANDBOX_CONTROL_TOKEN. The container image always requires a token.
	ControlToken string
	// CAPEM is the certificate authority to trust, if the URL is https. The default is the file ILUMA_SANDBOX_CA_FILE.
	CAPEM string
}

// A Sandbox is a sandbox that [Start] has started, or that [Connect] has found.
type Sandbox struct {
	// URL is that of the API: http://127.0.0.1:34567.
	URL string
	// APIKey is the key of the world that exists from the start. Each test should use its own World instead.
	APIKey string
	// CallbackToken is the value of x-callback-token in callbacks of that world.
	CallbackToken string
	// CAPEM is the certificate authority that clients must trust, if the URL is https.
	CAPEM string

	control *control
	process *process

	mutex     sync.Mutex
	names     map[string]bool // of the worlds of running tests
	isStopped bool
}

// Start starts a sandbox and returns when it is ready. If it does not start, the error is the one that it has printed.
func Start(options Options) (*Sandbox, error) {
	binary, err := findBinary(options.Binary)
	if err != nil {
		return nil, err
	}
	flags := options.flags()
	if options.TLS {
		folder, err := os.MkdirTemp("", "iluma-sandbox-ca-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder)
		flags = append(flags, "--tls", "--ca-dir", folder)
	}
	log, err := options.log()
	if err != nil {
		return nil, err
	}
	timeout := options.StartTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	process, ready, err := startProcess(binary, append(flags, options.Args...), log, timeout)
	if err != nil {
		return nil, err
	}
	box, err := newSandbox(ready.URL, ready.APIKey, ready.ControlToken, ready.CAFile, "")
	if err != nil {
		process.stop()
		return nil, err
	}
	box.CallbackToken = ready.CallbackToken
	box.process = process
	return box, nil
}

// Connect connects to a running sandbox, such as a sidecar in CI. [Sandbox.Stop] does not stop it.
//
// It does not read ILUMA_BASE_URL. That belongs to the application, and may name the real API.
func Connect(options ConnectOptions) (*Sandbox, error) {
	where := firstOf(options.URL, os.Getenv("ILUMA_SANDBOX_URL"))
	if where == "" {
		return nil, &Error{Message: "no URL of a sandbox: set ILUMA_SANDBOX_URL, or the field URL of ConnectOptions"}
	}
	key := firstOf(options.APIKey, os.Getenv("ILUMA_SANDBOX_API_KEY"), DocumentedAPIKey)
	token := firstOf(options.ControlToken, os.Getenv("ILUMA_SANDBOX_CONTROL_TOKEN"))
	caFile := os.Getenv("ILUMA_SANDBOX_CA_FILE")
	box, err := newSandbox(strings.TrimRight(where, "/"), key, token, caFile, options.CAPEM)
	if err != nil {
		return nil, err
	}
	secrets, err := box.control.withKey(key).call("GET", "world", nil, nil)
	if err != nil {
		return nil, namingTheToken(err)
	}
	var world struct {
		CallbackToken string `json:"callback_token"`
	}
	if err := json.Unmarshal(secrets, &world); err != nil {
		return nil, box.control.notUnderstood("GET", "world", secrets, err)
	}
	box.CallbackToken = world.CallbackToken
	return box, nil
}

// PID is the process id, or 0 if the sandbox was not started by [Start].
func (s *Sandbox) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.command.Process.Pid
}

// HTTPClient returns a client that trusts the sandbox, also if its URL is https. It uses no proxy.
func (s *Sandbox) HTTPClient() *http.Client {
	client := *s.control.client
	return &client
}

// World creates the world of a test. It has its own records, counters, callbacks, clock, faults and journal.
//
// Its name is the path of the package and the name of the test, and the key is derived from the name. So a test gets the
// same ids in every run. The world ends with the test. If the test has failed, it prints the latest requests and callbacks
// of the world.
func (s *Sandbox) World(t TB) *World {
	t.Helper()
	return s.WorldNamed(t, "")
}

// WorldNamed creates another world of the same test.
func (s *Sandbox) WorldNamed(t TB, name string) *World {
	t.Helper()
	full := worldName(t.Name(), name)
	if !s.claim(full) {
		t.Fatal("this test has the world `" + full + "` already: call WorldNamed with another name")
	}
	// A test that runs again starts with an empty world, even if its last run was aborted and the sandbox still runs.
	answer, err := s.control.call("POST", "worlds", nil, map[string]any{"name": full, "reset": true})
	var created createdWorld
	if err == nil {
		if err = json.Unmarshal(answer, &created); err != nil {
			err = s.control.notUnderstood("POST", "worlds", answer, err)
		}
	}
	if err != nil {
		s.release(full)
		t.Fatal(namingTheToken(err))
	}
	world := newWorld(t, s, created)
	t.Cleanup(func() {
		t.Helper()
		defer s.release(full)
		world.finish()
	})
	return world
}

// Call makes a call of the control API that belongs to no world: Call("GET", "coverage", nil, nil). If the sandbox refuses
// it, the error is an [*Error] with its message. A body that is not nil is written as JSON.
func (s *Sandbox) Call(method, path string, query url.Values, body any) ([]byte, error) {
	return s.control.call(method, path, query, body)
}

// Stop stops a sandbox of [Start]. A second call does nothing.
//
// It ends the worlds of tests that still run. Such a test cannot show its world when it fails, so call it with t.Cleanup
// before the first world is created, and not with defer.
func (s *Sandbox) Stop() {
	if s.process == nil {
		return
	}
	s.mutex.Lock()
	s.isStopped = true
	s.mutex.Unlock()
	s.process.stop()
}

func newSandbox(where, key, token, caFile, caPEM string) (*Sandbox, error) {
	if caPEM == "" && caFile != "" {
		read, err := os.ReadFile(caFile)
		if err != nil {
			return nil, &Error{Message: "cannot read the certificate authority of the sandbox: " + err.Error()}
		}
		caPEM = string(read)
	}
	control, err := newControl(where, token, caPEM)
	if err != nil {
		return nil, err
	}
	return &Sandbox{URL: where, APIKey: key, CAPEM: caPEM, control: control, names: map[string]bool{}}, nil
}

func (s *Sandbox) claim(name string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.names[name] {
		return false
	}
	s.names[name] = true
	return true
}

func (s *Sandbox) wasStopped() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.isStopped
}

func (s *Sandbox) release(name string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.names, name)
}

func (o Options) flags() []string {
	flags := []string{
		"--bind", firstOf(o.Bind, "127.0.0.1"),
		"--port", strconv.Itoa(o.Port),
		"--log-format", firstOf(o.LogFormat, "off"),
	}
	if o.Seed != 0 {
		flags = append(flags, "--seed", strconv.FormatUint(o.Seed, 10))
	}
	if o.Clock != "" {
		flags = append(flags, "--clock", o.Clock)
	}
	for _, folder := range o.Scenarios {
		flags = append(flags, "--scenarios", folder)
	}
	if o.Strict {
		flags = append(flags, "--strict")
	}
	return flags
}

// The file for the output of the sandbox. Without a log, only errors of the start are written, and they are kept.
func (o Options) log() (io.Writer, error) {
	switch {
	case o.LogFile != "":
		file, err := os.OpenFile(o.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, &Error{Message: "cannot open the log file: " + err.Error()}
		}
		return file, nil
	case firstOf(o.LogFormat, "off") == "off":
		return &lastBytes{}, nil
	default:
		return os.Stderr, nil
	}
}

// The name of a world for a test. Tests of two packages can have the same name and use the same sandbox, so the path of the
// package is a part of it. Go 1.24 was the first to put that path into the binary of the tests.
func worldName(test, name string) string {
	full := test
	if build, ok := debug.ReadBuildInfo(); ok && build.Path != "" {
		full = strings.TrimSuffix(build.Path, ".test") + "." + full
	}
	if name != "" {
		full += " " + name
	}
	letters := []rune(full)
	if len(letters) <= nameCharactersMax {
		return full
	}
	hash := sha256.Sum256([]byte(full))
	return fmt.Sprintf("%s… %x", string(letters[:nameCharactersMax-18]), hash[:8])
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
