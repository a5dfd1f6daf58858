package digest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestSums(t *testing.T) {
	h := NewHasher()
	h.Write([]byte("a"))
	h.Write([]byte("bc"))
	got := h.Sums()
	// The values of FIPS 180's "abc".
	want := Sums{
		SHA256:    Of([]byte("abc")),
		Integrity: "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
		Shasum:    "a9993e364706816aba3e25717850c26c9cd0d89d",
	}
	if got != want || h.Size() != 3 {
		t.Errorf("Sums = %+v, size %d, want %+v, 3", got, h.Size(), want)
	}
	if s := got.SHA256.String(); s != "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("SHA256 = %s", s)
	}
}

func TestParse(t *testing.T) {
	d := Of([]byte("abc"))
	for _, s := range []string{d.String(), d.Hex(), strings.ToUpper(d.Hex())} {
		if got, err := Parse(s); err != nil || got != d {
			t.Errorf("Parse(%s) = %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "sha256:", "sha1:" + d.Hex(), d.Hex()[1:], d.Hex() + "0", strings.Repeat("g", 64), "sha256:sha256:" + d.Hex()} {
		if _, err := Parse(s); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q) = %v, want ErrSyntax", s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Of(nil).String())
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		text, err := json.Marshal(d)
		var back SHA256
		if err != nil || json.Unmarshal(text, &back) != nil || back != d {
			t.Errorf("%q became %s and %s", s, text, back)
		}
	})
}
