package sandbox_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

var strict = sandbox.Suite{FailOnUnused: true, Open: func() (*sandbox.Sandbox, error) { return iluma.Sandbox() }}

// The tests of a suite that fails, in a process of their own.
func TestChildSuite(t *testing.T) {
	if os.Getenv("GO_TEST_CHILD") == "" {
		t.Skip("a part of another test")
	}
	t.Run("Pending", func(t *testing.T) {
		world := iluma.World(t)
		world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
		world.Next(bank, "PENDING_THEN_COMPLETED_FOUND")
		ask(t, world, bankPath, account("1234567890"), "")
		if len(world.Deliveries(sandbox.DeliveryQuery{State: sandbox.Delivered})) == 0 {
			t.Error("nothing was delivered")
		}
	})
	t.Run("Verify", func(t *testing.T) {
		world := iluma.World(t)
		world.Verify(sandbox.Exactly(1, sandbox.Match{Endpoint: bank}))
	})
	t.Run("Passes", func(t *testing.T) {
		world := iluma.World(t)
		world.Next(bank, "SERVER_ERROR")
	})
	t.Run("Unused", func(t *testing.T) {
		world := strict.World(t)
		world.Next(bank, "SERVER_ERROR")
	})
	t.Run("UnusedAndFailed", func(t *testing.T) {
		world := strict.World(t)
		world.Next(bank, "SERVER_ERROR")
		t.Error("by itself")
	})
	t.Run("UnusedAndSkipped", func(t *testing.T) {
		world := strict.World(t)
		world.Next(bank, "SERVER_ERROR")
		t.Skip("by itself")
	})
	t.Run("Panics", func(t *testing.T) {
		world := strict.World(t)
		ask(t, world, bankPath, account("1234567890"), "")
		world.Next(bank, "SERVER_ERROR")
		panic("by itself")
	})
}

func TestAFailedTestShowsItsWorldAndAStrictSuiteFailsForUnusedThings(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestChildSuite$", "-test.v")
	child.Env = append(os.Environ(), "GO_TEST_CHILD=1")
	printed, err := child.CombinedOutput()
	if _, failed := err.(*exec.ExitError); !failed {
		t.Fatalf("%v: %s", err, printed)
	}
	tests := map[string]string{}
	for _, part := range strings.Split(string(printed), "=== RUN   TestChildSuite/")[1:] {
		name, output, _ := strings.Cut(part, "\n")
		tests[name] = output
	}
	request := "POST " + bankPath + " → 200 "
	expectText(t, tests["Pending"], "nothing was delivered", "iluma-sandbox:", " at 2026-01-01T00:00:00.000Z", request,
		"  dlv_1  "+bankCallback+" is still pending until 2026-01-01T00:00:01.000Z, in 1s; advance the clock")
	expectText(t, tests["Verify"], "failing_test.go:30: expected exactly 1 request with endpoint", "iluma-sandbox:")
	expectEqual(t, strings.Contains(tests["Passes"], "iluma-sandbox"), false)
	unused := "the test left things unused: 1 queued outcome, 0 faults and 0 callbacks"
	expectText(t, tests["Unused"], unused, "  outcome SERVER_ERROR is queued for "+bank, "iluma-sandbox:")
	expectText(t, tests["UnusedAndFailed"], "by itself", "iluma-sandbox:")
	expectEqual(t, strings.Contains(tests["UnusedAndFailed"], unused), false)
	expectEqual(t, strings.Contains(tests["UnusedAndSkipped"], unused), false)
	expectText(t, tests["Panics"], "panic: by itself", "iluma-sandbox:", request)
	expectEqual(t, strings.Contains(tests["Panics"], unused), false)
	for name, result := range map[string]string{
		"Pending": "FAIL", "Verify": "FAIL", "Passes": "PASS", "Unused": "FAIL", "UnusedAndFailed": "FAIL",
		"UnusedAndSkipped": "SKIP", "Panics": "FAIL",
	} {
		expectText(t, string(printed), "--- "+result+": TestChildSuite/"+name+" ")
	}
}
