package registry

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// Who can't start the server in a folder is told what to do.
func TestFolderThatCannotBeWritten(t *testing.T) {
	for _, why := range []error{syscall.EROFS, syscall.EACCES, syscall.EPERM} {
		err := notWritable("/srv/data", &fs.PathError{Op: "open", Path: "/srv/data/metadata.db", Err: why})
		if !errors.Is(err, why) || !strings.Contains(err.Error(), "/srv/data/metadata.db") || !strings.Contains(err.Error(), "--data (REGISTRY_DATA)") {
			t.Errorf("%v becomes %v", why, err)
		}
	}
	if err := notWritable("/srv/data", fs.ErrNotExist); err != fs.ErrNotExist {
		t.Errorf("another error becomes %v", err)
	}
}
