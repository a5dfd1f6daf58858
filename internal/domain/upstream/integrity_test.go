package upstream

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/packument"
)

func TestIntegrity(t *testing.T) {
	sri := func(name string, sum []byte) string { return name + "-" + base64.StdEncoding.EncodeToString(sum) }
	sum1, sum256, sum512 := sha1.Sum([]byte("good")), sha256.Sum256([]byte("good")), sha512.Sum512([]byte("good"))
	bad1, bad512 := sha1.Sum([]byte("bad")), sha512.Sum512([]byte("bad"))
	good1, good256, good512 := sri("sha1", sum1[:]), sri("sha256", sum256[:]), sri("sha512", sum512[:])
	tests := map[string]struct {
		ref       packument.Ref
		algorithm string // "": none can be read
		good, bad bool   // which bytes are taken
	}{
		"sha512":              {packument.Ref{Integrity: good512}, "sha512", true, false},
		"sha256":              {packument.Ref{Integrity: good256}, "sha256", true, false},
		"sha1":                {packument.Ref{Integrity: good1}, "sha1", true, false},
		"shasum":              {packument.Ref{Shasum: hex.EncodeToString(sum1[:])}, "sha1", true, false},
		"upper case shasum":   {packument.Ref{Shasum: strings.ToUpper(hex.EncodeToString(sum1[:]))}, "sha1", true, false},
		"options":             {packument.Ref{Integrity: good512 + "?x=y"}, "sha512", true, false},
		"strongest counts":    {packument.Ref{Integrity: good1 + " " + sri("sha512", bad512[:]), Shasum: hex.EncodeToString(sum1[:])}, "sha512", false, true},
		"any of the same":     {packument.Ref{Integrity: sri("sha512", bad512[:]) + "\t" + good512}, "sha512", true, true},
		"shasum is weaker":    {packument.Ref{Integrity: good512, Shasum: hex.EncodeToString(bad1[:])}, "sha512", true, false},
		"broken, then shasum": {packument.Ref{Integrity: "sha512-short sha512-!!! md5-AAAA x", Shasum: hex.EncodeToString(sum1[:])}, "sha1", true, false},
		"none":                {packument.Ref{}, "", false, false},
		"md5 only":            {packument.Ref{Integrity: "md5-1B2M2Y8AsgTpgAmY7PhCfg=="}, "", false, false},
		"another length":      {packument.Ref{Integrity: sri("sha512", sum256[:]), Shasum: "abcd"}, "", false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want, ok := integrityOf(tt.ref)
			if ok != (tt.algorithm != "") || ok && !strings.HasPrefix(want.id, tt.algorithm+"-") {
				t.Fatalf("integrityOf = %s, %t; want %s", want.id, ok, tt.algorithm)
			}
			if !ok {
				return
			}
			for text, taken := range map[string]bool{"good": tt.good, "bad": tt.bad, "": false} {
				h := want.new()
				_, _ = io.WriteString(h, text)
				if got := want.matches(h); got != taken {
					t.Errorf("%q is taken: %t, want %t", text, got, taken)
				}
			}
		})
	}
}

func TestWithoutIntegrityThereIsNoTarball(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(text("", `{"name":"a","versions":{"1.0.0":{"name":"a","version":"1.0.0","dist":{"tarball":"http://up.test/a.tgz"}}}}`))
		if _, _, err := w.tarball("a", "a-1.0.0.tgz"); err == nil || !strings.Contains(err.Error(), "integrity") {
			t.Errorf("Tarball: %v", err)
		}
		w.wantRequests("GET /a")
	})
}
