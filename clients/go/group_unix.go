//go:build unix

package sandbox

import "syscall"

// Ctrl-C must reach only the tests, which still need the sandbox.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
