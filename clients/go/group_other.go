//go:build !unix

package sandbox

import "syscall"

// Without process groups, Ctrl-C stops the sandbox too.
func ownGroup() *syscall.SysProcAttr {
	return nil
}
