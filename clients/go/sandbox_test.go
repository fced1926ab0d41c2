package sandbox_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

func start(t *testing.T, options sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	return box
}

// The message of a sandbox that does not start.
func startError(t *testing.T, options sandbox.Options) string {
	t.Helper()
	box, err := sandbox.Start(options)
	if err == nil {
		box.Stop()
		t.Fatal("the sandbox started")
	}
	return err.Error()
}

// The variables of the client, of which none is set.
func withoutVariables(t *testing.T) {
	t.Helper()
	for _, name := range []string{"URL", "API_KEY", "CONTROL_TOKEN", "CA_FILE", "BIN"} {
		t.Setenv("ILUMA_SANDBOX_"+name, "")
	}
}

// A folder with a program that ends at once.
func program(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho 'this is another program' >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASandboxAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	box := start(t, sandbox.Options{})
	expectEqual(t, box.APIKey, sandbox.DocumentedAPIKey)
	if answer, err := box.Call("GET", "livez", nil, nil); err != nil || string(answer) != `{"status":"alive"}` {
		t.Errorf("%v: %s", err, answer)
	}
	box.Stop()
	_, err := box.Call("GET", "livez", nil, nil)
	if err == nil {
		t.Fatal("it still answers")
	}
	expectText(t, err.Error(), "the sandbox at "+box.URL+" does not answer: ")
	box.Stop()
}

func TestASandboxThatWasStoppedEndsItsWorldsAndAStrictTestFails(t *testing.T) {
	t.Parallel()
	test := func(strict bool) *recorder {
		box := start(t, sandbox.Options{})
		return run(t.Name(), func(inner *recorder) {
			defer box.Stop()
			world := box.World(inner)
			if strict {
				world.FailOnUnused()
			}
		})
	}
	expectEqual(t, test(false).output(), "")
	expectText(t, test(true).output(), "the sandbox was stopped before the end of the test", "t.Cleanup")
}

func TestASandboxThatDiedFailsTheTestsOfItsWorlds(t *testing.T) {
	t.Parallel()
	box := start(t, sandbox.Options{})
	inner := run(t.Name(), func(inner *recorder) {
		box.World(inner)
		sandboxProcess, err := os.FindProcess(box.PID())
		if err == nil {
			err = sandboxProcess.Kill()
		}
		if err != nil {
			t.Error(err)
		}
	})
	expectText(t, inner.output(), "the world of the test cannot be ended: the sandbox at "+box.URL+" does not answer")
}

func TestSeedClockAndScenariosAreThoseOfTheOptions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "v9"), 0o755); err != nil {
		t.Fatal(err)
	}
	greetings := "path = \"/v9/greetings\"\n[outcomes.HELLO]\ndefault = true\nbody = { said = \"{{input.name}}\" }\n"
	if err := os.WriteFile(filepath.Join(folder, "v9", "greetings.toml"), []byte(greetings), 0o644); err != nil {
		t.Fatal(err)
	}
	box := start(t, sandbox.Options{Seed: 7, Clock: "2026-02-01T00:00:00Z", Scenarios: []string{folder}})
	world := box.World(t)
	expectEqual(t, world.Now(), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	expectText(t, ask(t, world, "/v9/greetings", map[string]any{"name": "Contoh"}, "").text, `{"said":"Contoh"}`)
	if world.APIKey == iluma.World(t).APIKey {
		t.Error("another seed gave the same key")
	}
}

func TestStrictAndOtherFlagsArePassedOn(t *testing.T) {
	t.Parallel()
	box := start(t, sandbox.Options{Strict: true, Args: []string{"--api-key", sandbox.DocumentedAPIKey}})
	reply := ask(t, box.World(t), "/v1/credit/drawdowns", account("1234567890"), "")
	expectText(t, reply.text, "STRICT_MODE_ERROR")
}

func TestASandboxSpeaksHTTPSToThoseWhoTrustItsAuthority(t *testing.T) {
	withoutBinary := os.Getenv("ILUMA_SANDBOX_BIN")
	withoutVariables(t)
	t.Setenv("ILUMA_SANDBOX_BIN", withoutBinary)
	box := start(t, sandbox.Options{TLS: true})
	expectText(t, box.URL, "https://127.0.0.1:")
	expectText(t, box.CAPEM, "BEGIN CERTIFICATE")
	world := box.World(t)
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "").status, 200)
	if _, err := (&http.Client{}).Get(box.URL + "/health"); err == nil {
		t.Error("a client that does not trust the authority gets an answer")
	}
	again, err := sandbox.Connect(sandbox.ConnectOptions{URL: box.URL, CAPEM: box.CAPEM})
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, again.CallbackToken, box.CallbackToken)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(box.CAPEM), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ILUMA_SANDBOX_CA_FILE", file)
	if _, err := sandbox.Connect(sandbox.ConnectOptions{URL: box.URL}); err != nil {
		t.Error(err)
	}
	_, err = sandbox.Connect(sandbox.ConnectOptions{URL: box.URL, CAPEM: "no certificate"})
	expectText(t, err.Error(), "no certificate in the form of PEM")
	t.Setenv("ILUMA_SANDBOX_CA_FILE", "/nowhere/ca.pem")
	_, err = sandbox.Connect(sandbox.ConnectOptions{URL: box.URL})
	expectText(t, err.Error(), "cannot read the certificate authority", "/nowhere/ca.pem")
}

func TestASandboxThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "broken.toml"), []byte("path = 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	expectText(t, startError(t, sandbox.Options{Scenarios: []string{folder}}),
		"the sandbox did not start, exit code 2:\n", "broken.toml", "correct the scenario files")
	where, err := url.Parse(start(t, sandbox.Options{}).URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(where.Port())
	if err != nil {
		t.Fatal(err)
	}
	expectText(t, startError(t, sandbox.Options{Port: port}), "the sandbox did not start, exit code 1:\n", where.Port())
	expectText(t, startError(t, sandbox.Options{Args: []string{"--sed", "7"}}), "exit code 2:\n", "--seed")
	expectText(t, startError(t, sandbox.Options{StartTimeout: time.Nanosecond}), "the sandbox was not ready within ")
}

func TestAProgramThatIsNoSandboxIsSaidToHaveEnded(t *testing.T) {
	t.Parallel()
	expectEqual(t, startError(t, sandbox.Options{Binary: program(t, "another")}),
		"the sandbox did not start, exit code 0:\nthis is another program")
	broken := program(t, "broken")
	if err := os.WriteFile(broken, []byte("#!/nowhere\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	expectText(t, startError(t, sandbox.Options{Binary: broken}), "cannot start "+broken+": ")
}

func TestALogIsWrittenAtTheEndOfAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sandbox.log")
	if err := os.WriteFile(file, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	box := start(t, sandbox.Options{LogFormat: "json", LogFile: file})
	run(t.Name(), func(inner *recorder) { ask(t, box.World(inner), bankPath, account("1234567890"), "") })
	box.Stop()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	expectText(t, string(log[:min(len(log), 8)]), "before\n{")
	expectText(t, string(log), `"message":"answered"`)
}

func TestABinaryThatIsNamedIsThatOneOrAnError(t *testing.T) {
	withoutVariables(t)
	expectText(t, startError(t, sandbox.Options{Binary: "/nowhere"}), "the field `Binary` says `/nowhere`, and no program is there")
	t.Setenv("ILUMA_SANDBOX_BIN", "/nowhere")
	expectText(t, startError(t, sandbox.Options{}), "`ILUMA_SANDBOX_BIN` says `/nowhere`, and no program is there")
	t.Setenv("ILUMA_SANDBOX_BIN", "target/release/iluma-sandbox")
	expectText(t, startError(t, sandbox.Options{}), "tests run in the folder of their package, so this is /")
	t.Setenv("ILUMA_SANDBOX_BIN", program(t, "mine"))
	expectText(t, startError(t, sandbox.Options{}), "this is another program")
}

func TestABinaryIsFoundOnPathOrTheErrorNamesTheVariableAndPath(t *testing.T) {
	withoutVariables(t)
	t.Setenv("PATH", filepath.Dir(program(t, "iluma-sandbox"))+string(os.PathListSeparator)+"/bin")
	expectText(t, startError(t, sandbox.Options{}), "this is another program")
	t.Setenv("PATH", t.TempDir())
	expectText(t, startError(t, sandbox.Options{}), "no `iluma-sandbox` found", "not on PATH", "ILUMA_SANDBOX_BIN")
}

func TestARunningSandboxIsSharedAndLeftAlone(t *testing.T) {
	binary := os.Getenv("ILUMA_SANDBOX_BIN")
	withoutVariables(t)
	t.Setenv("ILUMA_SANDBOX_BIN", binary)
	box := start(t, sandbox.Options{})
	same, err := sandbox.Connect(sandbox.ConnectOptions{URL: box.URL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, same.PID(), 0)
	expectEqual(t, same.CallbackToken, box.CallbackToken)
	expectEqual(t, ask(t, same.World(t), bankPath, account("1234567890"), "").status, 200)
	same.Stop()
	if _, err := box.Call("GET", "livez", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestTheEnvironmentSaysWhichSandboxIsConnectedToAsForTheCommands(t *testing.T) {
	nameTheToken := ". Set ILUMA_SANDBOX_CONTROL_TOKEN, or the field ControlToken of ConnectOptions"
	binary := os.Getenv("ILUMA_SANDBOX_BIN")
	withoutVariables(t)
	t.Setenv("ILUMA_SANDBOX_BIN", binary)
	t.Setenv("ILUMA_BASE_URL", "https://api.iluma.ai")
	_, err := sandbox.Connect(sandbox.ConnectOptions{})
	expectEqual(t, err.Error(), "no URL of a sandbox: set ILUMA_SANDBOX_URL, or the field URL of ConnectOptions")
	box := start(t, sandbox.Options{Args: []string{"--control-token", "secret-of-the-tests"}})
	world := box.World(t)
	world.Verify(sandbox.Exactly(0, sandbox.Match{}))
	expectEqual(t, len(world.Inbox().Received()), 0)
	t.Setenv("ILUMA_SANDBOX_URL", box.URL)
	_, err = sandbox.Connect(sandbox.ConnectOptions{})
	expectText(t, err.Error(), nameTheToken)
	_, err = sandbox.Connect(sandbox.ConnectOptions{ControlToken: "another"})
	expectText(t, err.Error(), nameTheToken)
	t.Setenv("ILUMA_SANDBOX_CONTROL_TOKEN", "secret-of-the-tests")
	suite := sandbox.Suite{Options: sandbox.Options{Binary: "/nowhere"}}
	same, err := suite.Sandbox()
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, same.URL, box.URL)
	expectEqual(t, same.CallbackToken, box.CallbackToken)
	expectEqual(t, len(suite.WorldNamed(t, "by environment").Requests(sandbox.Match{})), 0)
}

func TestASuiteOpensTheSandboxOnceAndSaysWhyItCannot(t *testing.T) {
	withoutVariables(t)
	suite := sandbox.Suite{Options: sandbox.Options{Binary: "/nowhere"}}
	for _, name := range []string{"TestOne", "TestTwo"} {
		expectText(t, run(name, func(t *recorder) { suite.World(t) }).output(), "says `/nowhere`")
	}
	opened := 0
	other := sandbox.Suite{Open: func() (*sandbox.Sandbox, error) {
		opened++
		return iluma.Sandbox()
	}}
	expectEqual(t, other.World(t).URL, other.WorldNamed(t, "two").URL)
	expectEqual(t, opened, 1)
	unused := sandbox.Suite{}
	unused.Stop()
	expectText(t, run("TestLate", func(t *recorder) { unused.World(t) }).output(), "stopped before it was used")
}

// Starts a sandbox for the test below, which kills this process.
func TestChildThatIsKilled(t *testing.T) {
	if os.Getenv("GO_TEST_CHILD") == "" {
		t.Skip("a part of another test")
	}
	box := start(t, sandbox.Options{LogFormat: "json"})
	if _, err := box.Call("GET", "livez", nil, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Println("it answers")
	select {}
}

// The stderr of the child is that of its sandbox too. It ends with the last of both processes.
func TestTheSandboxStopsWhenTheTestProcessIsKilled(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestChildThatIsKilled$")
	child.Env = append(os.Environ(), "GO_TEST_CHILD=1")
	stderr, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	child.Stderr = writer
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = child.Start()
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	killed := child.Process.Kill()
	_ = child.Wait() // it was killed
	if err != nil || killed != nil || line != "it answers\n" {
		t.Fatalf("%v, %v: %s", err, killed, line)
	}
	if err := stderr.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if log, err := io.ReadAll(stderr); err != nil {
		t.Errorf("the sandbox still runs: %v: %s", err, log)
	}
}
