package parity

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Entry is an entry of a tar. Two entries of equal fields hold the same.
type Entry struct {
	Name string
	Type byte
	Mode int64
	Size int64
	Sum  [sha256.Size]byte
	// What else the header says, in a form for comparison.
	Rest string
}

// ReadEntries reads the entries of an uncompressed tar.
func ReadEntries(r io.Reader) ([]Entry, error) {
	var entries []Entry
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading entry %d: %w", len(entries), err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, in); err != nil {
			return nil, fmt.Errorf("reading %s: %w", h.Name, err)
		}
		entries = append(entries, Entry{
			Name: h.Name, Type: h.Typeflag, Mode: h.Mode, Size: h.Size, Sum: [sha256.Size]byte(sum.Sum(nil)),
			Rest: fmt.Sprintf("mtime %d, uid %d %q, gid %d %q, link %q", h.ModTime.Unix(), h.Uid, h.Uname, h.Gid, h.Gname, h.Linkname),
		})
	}
}

// ReadFile is ReadEntries for a file; compressed says that it is a .tgz.
func ReadFile(path string, compressed bool) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !compressed {
		return ReadEntries(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return ReadEntries(z)
}

// Diff says in which ways our entries differ from npm's; nothing if in none.
func Diff(ours, npms []Entry) []string {
	var out []string
	ourIndex, npmIndex := index(ours), index(npms)
	for _, e := range npms {
		if _, ok := ourIndex[e.Name]; !ok {
			out = append(out, "only npm has "+e.Name)
		}
	}
	for _, e := range ours {
		i, ok := npmIndex[e.Name]
		if !ok {
			out = append(out, "only we have "+e.Name)
			continue
		}
		out = append(out, e.differences(npms[i])...)
	}
	if len(out) > 0 {
		return out
	}
	ourRest, npmRest := withoutManifest(ours), withoutManifest(npms)
	for i := range min(len(ourRest), len(npmRest)) {
		if ourRest[i].Name != npmRest[i].Name {
			return []string{fmt.Sprintf("entry %d is %s, npm's is %s", i, ourRest[i].Name, npmRest[i].Name)}
		}
	}
	if len(ours) != len(npms) {
		return []string{fmt.Sprintf("%d entries, npm has %d", len(ours), len(npms))}
	}
	return nil
}

func (e Entry) differences(npm Entry) []string {
	var out []string
	if e.Mode != npm.Mode && !e.isManifest() {
		out = append(out, fmt.Sprintf("mode of %s is %#o, npm's is %#o", e.Name, e.Mode, npm.Mode))
	}
	if e.Type != npm.Type || e.Rest != npm.Rest {
		out = append(out, fmt.Sprintf("header of %s is %c, %s; npm's is %c, %s", e.Name, e.Type, e.Rest, npm.Type, npm.Rest))
	}
	if e.Size != npm.Size || e.Sum != npm.Sum {
		out = append(out, fmt.Sprintf("content of %s: %d bytes, npm's %d", e.Name, e.Size, npm.Size))
	}
	return out
}

func (e Entry) isManifest() bool { return e.Name == "package/"+manifestName }

func index(entries []Entry) map[string]int {
	m := make(map[string]int, len(entries))
	for i, e := range entries {
		m[e.Name] = i
	}
	return m
}

func withoutManifest(entries []Entry) []Entry {
	var out []Entry
	for _, e := range entries {
		if !e.isManifest() {
			out = append(out, e)
		}
	}
	return out
}
