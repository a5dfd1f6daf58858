// Package filelock locks files against other processes.
package filelock

import "errors"

// ErrLocked says that somebody else has the file locked.
var ErrLocked = errors.New("the file is locked")
