package sandbox_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func goBlocks(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, found := range goBlock.FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(found[1]))
	}
	return blocks
}

// Runs tests as a user does: in a module that requires this one.
func goTest(t *testing.T, files map[string]string) (string, error) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/OWNER/iluma-sandbox/clients/go"
	files["go.mod"] = "module example.com/shop\n\ngo 1.24\n\nrequire " + module + " v0.1.0\n\n" +
		"replace " + module + " => " + here + "\n"
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "test", "-count=1", "-v", "./...")
	command.Dir = folder
	command.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	printed, err := command.CombinedOutput()
	return string(printed), err
}

func TestTheExamplesOfTheReadmeRun(t *testing.T) {
	t.Parallel()
	blocks := goBlocks(t, "README.md")
	if len(blocks) != 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	tests, options, callbacks := blocks[0], blocks[1], blocks[2]
	for name, suite := range map[string]string{
		"as it is":         tests,
		"with its options": strings.Replace(tests, "var iluma sandbox.Suite\n", options, 1),
	} {
		printed, err := goTest(t, map[string]string{"payouts_test.go": suite, "callbacks_test.go": callbacks})
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, printed)
		}
		expectText(t, printed, "--- PASS: TestABusyProviderIsAskedAgain ", "--- PASS: TestEachTestHasAWorldOfItsOwn ",
			"--- PASS: TestAPendingCheckIsCompletedByACallback ")
	}
}

func TestTheReadmeNamesWhatTheSuiteUsesInsteadOfAStart(t *testing.T) {
	binary := os.Getenv("ILUMA_SANDBOX_BIN")
	withoutVariables(t)
	t.Setenv("ILUMA_SANDBOX_BIN", binary)
	box := start(t, sandbox.Options{Args: []string{"--control-token", "secret"}})
	t.Setenv("ILUMA_SANDBOX_URL", box.URL)
	t.Setenv("ILUMA_SANDBOX_CONTROL_TOKEN", "secret")
	t.Setenv("ILUMA_SANDBOX_BIN", "/nowhere")
	blocks := goBlocks(t, "README.md")
	printed, err := goTest(t, map[string]string{"payouts_test.go": blocks[0]})
	if err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
}

func TestTheExampleOfTheBookRuns(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "tests.md")
	if _, err := os.Stat(page); err != nil {
		t.Skip("this copy of the module has no book")
	}
	blocks := goBlocks(t, page)
	if len(blocks) != 1 {
		t.Fatalf("%d examples", len(blocks))
	}
	_, codeUnderTest, _ := strings.Cut(goBlocks(t, "README.md")[0], "// The code under test")
	imports := "package payouts\n\nimport (\n\t\"encoding/json\"\n\t\"net/http\"\n\t\"strings\"\n\t\"testing\"\n\n" +
		"\tsandbox \"github.com/OWNER/iluma-sandbox/clients/go\"\n)\n\n"
	printed, err := goTest(t, map[string]string{"book_test.go": imports + blocks[0] + "\n// The code under test" + codeUnderTest})
	if err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
	expectText(t, printed, "--- PASS: TestABusyProviderIsAskedAgain ")
}

func TestAMisspeltOptionDoesNotCompile(t *testing.T) {
	t.Parallel()
	printed, err := goTest(t, map[string]string{"misspelt_test.go": `package shop

import (
	"testing"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

func TestIt(t *testing.T) {
	var iluma sandbox.Suite
	iluma.World(t).Verify(sandbox.Exactly(1, sandbox.Match{Endpont: "v1.1/bank_account_data_requests"}))
}
`})
	if err == nil {
		t.Error("it compiled")
	}
	expectText(t, printed, "unknown field Endpont in struct literal")
}

func TestTheSourcesAndTheExamplesAreFormatted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%v: %v", err, files)
	}
	sources := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[file] = text
	}
	for _, block := range goBlocks(t, "README.md") {
		sources[block] = []byte(block)
	}
	for name, text := range sources {
		formatted, err := format.Source(text)
		if err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%v: gofmt changes %s", err, name)
		}
	}
}
