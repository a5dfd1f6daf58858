package tarball

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/org/registry-action/internal/fault"
)

func TestCheckingReader(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	synctest.Test(t, func(t *testing.T) {
		r := NewCheckingReader(iotest.OneByteReader(bytes.NewReader(s.whole)), Limits{})
		defer r.Close()
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, s.whole) {
			t.Fatalf("ReadAll = %d bytes, %v; want %d", len(got), err, len(s.whole))
		}
		if sum := r.Summary(); sum.Name != "@a/pkg" || sum.Size != int64(len(s.whole)) {
			t.Errorf("Summary = %+v", sum)
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("Read after the end = %d, %v", n, err)
		}
	})
}

func TestCheckingReaderRefuses(t *testing.T) {
	good := gzipped(t, rawTar(manifestEntry(), entry('0', "package/a", strings.Repeat("x", 1000))))
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"at the end":   {good[:len(good)-1], "cut off"},
		"at the start": {append([]byte("PK\x03\x04"), good...), "zip"},
		"empty":        {nil, "is empty"},
		"early":        {append(bytes.Clone(gzipped(t, rawTar(entry('3', "package/a", "")))), make([]byte, 1<<20)...), "a device"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewCheckingReader(bytes.NewReader(tc.file), Limits{})
				defer r.Close()
				_, err := io.Copy(io.Discard, r)
				wantRefusal(t, err, fault.Invalid, tc.want)
				if _, again := r.Read(make([]byte, 1)); again != err {
					t.Errorf("Read after a refusal = %v", again)
				}
			})
		})
	}
}

// synctest.Test fails if a goroutine is left when its function returns.
func TestAbandonedChecksEnd(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	boom := errors.New("boom")
	for n := 0; n <= len(s.whole); n += 11 {
		synctest.Test(t, func(t *testing.T) {
			c := newChecker(Limits{})
			if _, err := c.Write(s.whole[:n]); err != nil {
				t.Errorf("Write of %d bytes: %v", n, err)
			}
			c.Close()
			if _, err := c.finish(); err != errAbandoned {
				t.Errorf("Finish after Close = %v", err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			r := NewCheckingReader(io.MultiReader(bytes.NewReader(s.whole[:n]), iotest.ErrReader(boom)), Limits{})
			if _, err := io.Copy(io.Discard, r); err != boom {
				t.Errorf("Copy = %v, want the source's own error", err)
			}
			r.Close()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := NewCheckingReader(bytes.NewReader(s.whole), Limits{})
		r.Close()
		if _, err := r.Read(make([]byte, 10)); err == nil {
			t.Error("Read after Close succeeded")
		}
	})
}

func TestChecker(t *testing.T) {
	s := pack(t, new(Packer), testManifest)
	synctest.Test(t, func(t *testing.T) {
		c := newChecker(Limits{})
		if _, err := io.Copy(c, bytes.NewReader(s.whole)); err != nil {
			t.Fatal(err)
		}
		sum, err := c.finish()
		if err != nil || sum.Name != "@a/pkg" {
			t.Errorf("Finish = %+v, %v", sum, err)
		}
		c.Close()
	})
}

func TestPanicIsAnError(t *testing.T) {
	_, err := checkRecovering(panicking{}, Limits{})
	if _, public := fault.Public(err); err == nil || public {
		t.Errorf("checkRecovering = %v, want an error that is not public", err)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("oops") }
