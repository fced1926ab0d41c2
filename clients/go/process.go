package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// The pause between two looks for the ready file. The sandbox needs a few milliseconds to write it.
	lookPause = 5 * time.Millisecond
	// How long a sandbox may take to stop before it is killed.
	stopPatience = 10 * time.Second
	// How much of the output is kept for an error.
	outputBytesMax = 64 << 10
)

// The ready file of the sandbox. A missing control token is null there, and empty here.
type readyFile struct {
	URL           string `json:"url"`
	APIKey        string `json:"api_key"`
	CallbackToken string `json:"callback_token"`
	ControlToken  string `json:"control_token"`
	CAFile        string `json:"ca_file"`
}

// A process runs until stop, or until this process ends.
//
// Its standard input is a pipe that nobody writes to. However this process ends, the pipe is closed, and
// `--exit-with-parent` stops the sandbox.
type process struct {
	command *exec.Cmd
	input   io.Closer
	ended   chan struct{} // closed when it has ended
}

func startProcess(binary string, flags []string, log io.Writer, timeout time.Duration) (*process, readyFile, error) {
	if file, ok := log.(*os.File); ok && file != os.Stderr {
		defer file.Close() // the sandbox has its own
	}
	folder, err := os.MkdirTemp("", "iluma-sandbox-")
	if err != nil {
		return nil, readyFile{}, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "ready.json")
	flags = append([]string{"serve"}, flags...)
	command := exec.Command(binary, append(flags, "--ready-file", path, "--exit-with-parent")...)
	command.Stderr = log
	command.SysProcAttr = ownGroup()
	input, err := command.StdinPipe()
	if err != nil {
		return nil, readyFile{}, err
	}
	if err := command.Start(); err != nil {
		return nil, readyFile{}, &Error{Message: fmt.Sprintf("cannot start %s: %v", binary, err)}
	}
	running := &process{command: command, input: input, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // the state of the process says how it has ended
		close(running.ended)
	}()
	ready, err := running.untilReady(path, time.Now().Add(timeout))
	if err != nil {
		running.stop()
		return nil, readyFile{}, &Error{Message: err.Error() + output(log)}
	}
	return running, ready, nil
}

func (p *process) untilReady(path string, giveUp time.Time) (readyFile, error) {
	started := time.Now()
	for {
		hasEnded := p.hasEnded(0)
		var ready readyFile
		read, err := os.ReadFile(path)
		if err == nil { // the file appears whole
			return ready, json.Unmarshal(read, &ready)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return ready, err
		}
		if hasEnded {
			return ready, fmt.Errorf("the sandbox did not start, %s", p.howEnded())
		}
		if time.Now().After(giveUp) {
			return ready, fmt.Errorf("the sandbox was not ready within %s", giveUp.Sub(started).Round(time.Millisecond))
		}
		p.hasEnded(lookPause)
	}
}

// Stops the sandbox, first gently. Does nothing if it has ended.
func (p *process) stop() {
	_ = p.input.Close()
	_ = p.command.Process.Signal(syscall.SIGTERM) // fails on Windows, where a closed input is the gentle way
	if !p.hasEnded(stopPatience) {
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// Waits for the end, but not longer than this.
func (p *process) hasEnded(patience time.Duration) bool {
	select {
	case <-p.ended:
		return true
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

func (p *process) howEnded() string {
	if code := p.command.ProcessState.ExitCode(); code >= 0 {
		return fmt.Sprintf("exit code %d", code)
	}
	return p.command.ProcessState.String()
}

// What the sandbox has written, if it is kept.
func output(log io.Writer) string {
	kept, ok := log.(*lastBytes)
	if !ok {
		return ""
	}
	if text := strings.TrimSpace(kept.text()); text != "" {
		return ":\n" + text
	}
	return ""
}

// The last bytes of an output.
type lastBytes struct {
	mutex sync.Mutex
	bytes []byte
}

func (l *lastBytes) Write(more []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.bytes = append(l.bytes, more...)
	if extra := len(l.bytes) - outputBytesMax; extra > 0 {
		l.bytes = append([]byte(nil), l.bytes[extra:]...)
	}
	return len(more), nil
}

func (l *lastBytes) text() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return string(l.bytes)
}
