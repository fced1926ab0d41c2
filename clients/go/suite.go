// Package sandbox is a local sandbox of the Iluma KYC API for Go tests: one process for all tests of a package, and a
// separate world for each test.
//
//	var iluma sandbox.Suite
//
//	func TestABusyProviderIsAskedAgain(t *testing.T) {
//		t.Parallel()
//		world := iluma.World(t)
//		world.Next("v1.1/bank_account_data_requests", "SERVICE_UNAVAILABLE_ERROR")
//		// the code under test sends its requests to world.URL with world.APIKey
//		world.Verify(sandbox.Exactly(2, sandbox.Match{Endpoint: "v1.1/bank_account_data_requests"}))
//	}
package sandbox

import (
	"os"
	"sync"
)

// TB is the part of [testing.TB] that a world uses. Other test frameworks have it too.
type TB interface {
	Cleanup(func())
	Errorf(format string, values ...any)
	Failed() bool
	Fatal(values ...any)
	Helper()
	Log(values ...any)
	Name() string
	Skipped() bool
}

// A Suite is one sandbox for all tests of a package. Its zero value is ready to use, as a variable of the package.
//
// The first world starts the sandbox. If the variable ILUMA_SANDBOX_URL is set, the suite uses the sandbox that runs there
// instead, as [Connect] does. The sandbox stops when the test process ends, even if that is killed.
type Suite struct {
	// Options starts the sandbox. A sandbox that runs already has its own.
	Options Options
	// FailOnUnused makes every test fail that leaves something unused in its world. See [World.VerifyUsed].
	FailOnUnused bool
	// Open replaces the start of the sandbox, if it is not nil.
	Open func() (*Sandbox, error)

	once    sync.Once
	sandbox *Sandbox
	err     error
}

// Sandbox returns the sandbox of the suite. The first call starts it.
func (s *Suite) Sandbox() (*Sandbox, error) {
	s.once.Do(func() { s.sandbox, s.err = s.open() })
	return s.sandbox, s.err
}

// World creates the world of a test, as [Sandbox.World] does.
func (s *Suite) World(t TB) *World {
	t.Helper()
	return s.WorldNamed(t, "")
}

// WorldNamed creates another world of a test, as [Sandbox.WorldNamed] does.
func (s *Suite) WorldNamed(t TB, name string) *World {
	t.Helper()
	box, err := s.Sandbox()
	if err != nil {
		t.Fatal(err)
	}
	world := box.WorldNamed(t, name)
	if s.FailOnUnused {
		world.FailOnUnused()
	}
	return world
}

// Main runs the tests, stops the sandbox and exits the process. Without it, the sandbox stops when the process has ended.
// Use it if something must be complete at that time, such as a log file:
//
//	func TestMain(m *testing.M) { iluma.Main(m) }
func (s *Suite) Main(m interface{ Run() int }) {
	code := m.Run()
	s.Stop()
	os.Exit(code)
}

// Stop stops the sandbox if the suite has started it. No test of the suite can get a world after that.
func (s *Suite) Stop() {
	s.once.Do(func() { s.err = &Error{Message: "the sandbox of this suite was stopped before it was used"} })
	if s.sandbox != nil {
		s.sandbox.Stop()
	}
}

func (s *Suite) open() (*Sandbox, error) {
	switch {
	case s.Open != nil:
		return s.Open()
	case os.Getenv("ILUMA_SANDBOX_URL") != "":
		return Connect(ConnectOptions{})
	default:
		return Start(s.Options)
	}
}
