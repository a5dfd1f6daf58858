package adminclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// runningFile tells commands how to reach the server that is using a data folder.
const runningFile = "running.json"

// Running is how to reach a server from its own machine.
type Running struct {
	URL   string `json:"url"`
	Token string `json:"token"` // of this run of the server only
}

// WriteRunning puts r into a data folder, readable by this user only. remove
// takes it away again, unless another server has put its own there.
func WriteRunning(dir string, r Running) (remove func() error, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, runningFile)
	if err := replace(path, append(text, '\n')); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return func() error {
		now, err := ReadRunning(dir)
		if errors.Is(err, os.ErrNotExist) || err == nil && now != r {
			return nil
		}
		return errors.Join(err, os.Remove(path))
	}, nil
}

// replace writes a file of mode 0600 that is there whole or not at all.
func replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ReadRunning reads what a server put into its data folder; os.ErrNotExist if
// there is nothing.
func ReadRunning(dir string) (Running, error) {
	const limit = 64 << 10
	f, err := os.Open(filepath.Join(dir, runningFile))
	if err != nil {
		return Running{}, err
	}
	defer f.Close()
	var r Running
	if err := json.NewDecoder(io.LimitReader(f, limit)).Decode(&r); err != nil {
		return r, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	if r.URL == "" || r.Token == "" {
		return r, fmt.Errorf("%s names no server", f.Name())
	}
	return r, nil
}
