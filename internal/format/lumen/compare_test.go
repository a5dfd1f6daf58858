package lumen

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"
)

// compareWithGo reads an accepted tar with another reader, which must see the same files.
func compareWithGo(t *testing.T, plain []byte, a Archive) {
	t.Helper()
	files, unpacked := 0, int64(0)
	for r := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("another reader refuses the tar: %v", err)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			files++
			unpacked += h.Size
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			t.Fatalf("another reader sees %+v", h)
		}
	}
	if files != a.Files || unpacked != a.Unpacked {
		t.Fatalf("another reader sees %d files with %d bytes, want %d with %d", files, unpacked, a.Files, a.Unpacked)
	}
}
