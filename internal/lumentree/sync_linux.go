package lumentree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes all files of the file system of a folder durable: far less work than file by file.
func syncAll(root *os.Root) (done bool, err error) {
	folder, err := root.Open(".")
	if err != nil {
		return false, err
	}
	err = unix.Syncfs(int(folder.Fd()))
	return true, errors.Join(err, folder.Close())
}
