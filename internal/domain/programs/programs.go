// Package programs has the released programs that an operator puts into a folder,
// so that the action finds publish-commit where it publishes to. It fetches nothing.
//
// The folder has one for each version, with the files of the release: the programs
// and checksums.txt. A file is handed out only if its bytes are those that
// checksums.txt names; who runs it checks once more.
package programs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/org/registry-action/internal/fault"
)

const (
	checksums    = "checksums.txt"
	maxChecksums = 64 << 10 // bytes of checksums.txt
	maxKnown     = 100      // files whose digest is remembered
)

var (
	versionPattern = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)
	filePattern    = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`)
)

// Folder is a folder of releases. The nil Folder has none.
type Folder struct {
	root *os.Root

	mu    sync.Mutex // also so that many requests for a new file read it once
	known map[string]digested
}

// digested is a file as it was when its digest was made.
type digested struct {
	info   fs.FileInfo
	sha256 string
}

// Open opens a folder, which must be there.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of releases (CLI_DIR): %w", err)
	}
	return &Folder{root: root, known: map[string]digested{}}, nil
}

// Close lets the folder go. Files that are open stay so.
func (f *Folder) Close() error {
	if f == nil {
		return nil
	}
	return f.root.Close()
}

// File is an open file of a release. The caller closes it.
type File struct {
	*os.File
	Size   int64
	SHA256 string // in hex, of these bytes
}

// File opens a file of a version. What is not there is fault.NotFound; a file whose
// bytes are not the release's is an error that only the log tells.
func (f *Folder) File(version, name string) (*File, error) {
	if f == nil {
		return nil, fault.New(fault.NotFound, "this server hands out no programs: its operator can put releases of publish-commit into a folder and name it with CLI_DIR").WithCode("no_cli_dir")
	}
	if !versionPattern.MatchString(version) || !filePattern.MatchString(name) {
		return nil, fault.New(fault.NotFound, "%.100q of %.100q is no file of a release, such as publish-commit_linux_amd64 of v1.2.3", name, version)
	}
	want, err := f.listed(version, name)
	if err != nil {
		return nil, err
	}
	file, info, err := f.open(path.Join(version, name))
	if err != nil {
		return nil, missing(err, version, name)
	}
	got, err := f.digest(path.Join(version, name), file, info)
	if err == nil && got != want {
		err = fmt.Errorf("%s/%s in CLI_DIR has the SHA-256 %s, its %s says %s: it is not handed out", version, name, got, checksums, want)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &File{File: file, Size: info.Size(), SHA256: got}, nil
}

func missing(err error, version, name string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "this server has no %s of %s: its operator can put the files of that release, %s among them, into the folder %s of CLI_DIR", name, version, checksums, version)
	}
	return err
}

// open opens a plain file: anything else could block.
func (f *Folder) open(name string) (*os.File, fs.FileInfo, error) {
	if info, err := f.root.Stat(name); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s in CLI_DIR is no plain file: %w", name, fs.ErrNotExist)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// listed is what checksums.txt of a version says of a file.
func (f *Folder) listed(version, name string) (string, error) {
	file, _, err := f.open(path.Join(version, checksums))
	if err != nil {
		return "", missing(err, version, name)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxChecksums))
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(text) {
		sum, rest, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if strings.TrimLeft(rest, " *") == name && len(sum) == hex.EncodedLen(sha256.Size) {
			return strings.ToLower(sum), nil
		}
	}
	return "", missing(fmt.Errorf("%s/%s lists no %s: %w", version, checksums, name, fs.ErrNotExist), version, name)
}

// digest is the SHA-256 of an open file, which is then at its beginning again.
func (f *Folder) digest(name string, file *os.File, info fs.FileInfo) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.known[name]; ok && os.SameFile(k.info, info) && k.info.Size() == info.Size() && k.info.ModTime().Equal(info.ModTime()) {
		return k.sha256, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if len(f.known) >= maxKnown {
		clear(f.known)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	f.known[name] = digested{info, sum}
	return sum, nil
}
