//go:build !unix

package pack

import "os/exec"

// ownGroup does nothing: without process groups, cancelling ends the command itself.
func ownGroup(*exec.Cmd) {}
