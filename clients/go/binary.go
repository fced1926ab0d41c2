package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
)

const binaryVariable = "ILUMA_SANDBOX_BIN"

// The first of these: the given binary, ILUMA_SANDBOX_BIN, the one on PATH. If a given binary does not exist, that is an
// error; no other is used.
func findBinary(binary string) (string, error) {
	named := []struct{ value, how string }{
		{binary, "the field `Binary`"},
		{os.Getenv(binaryVariable), "`" + binaryVariable + "`"},
	}
	for _, name := range named {
		if name.value == "" {
			continue
		}
		found, err := exec.LookPath(name.value)
		if err != nil {
			return "", &Error{Message: name.how + " says `" + name.value + "`, and no program is there" + lookedIn(name.value)}
		}
		return found, nil
	}
	found, err := exec.LookPath("iluma-sandbox")
	if err != nil {
		return "", &Error{Message: "no `iluma-sandbox` found: it is not on PATH, and " + binaryVariable + " is not set; " +
			"`cargo install --path .` in the repository of the sandbox puts it on PATH, or set " + binaryVariable + " to its path"}
	}
	return found, nil
}

// `go test` runs the tests of each package in its folder, which a relative path often does not expect.
func lookedIn(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil || filepath.IsAbs(path) || filepath.Base(path) == path {
		return ""
	}
	return " (tests run in the folder of their package, so this is " + whole + ")"
}
