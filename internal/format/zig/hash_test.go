package zig

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
)

func digestOf(t testing.TB, s string) (d digest.SHA256) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		t.Fatalf("bad digest %q: %v", s, err)
	}
	copy(d[:], b)
	return d
}

// TestHashesOf checks hashes that real compilers printed.
func TestHashesOf(t *testing.T) {
	const nasm = "c7f571b7b4e76f3cdb877a7fddf977879dd386fa73579af79d1edb8f3ad9bd9f"
	tests := []struct {
		name, digest string
		m            *Manifest
		size         int64
		want         string
	}{
		{"naked", "218ffe097df5b383294f48a19ee11e854f3a3d95ab1e0c2afb4f4e01d3b9b7d7", nil, 12, "N-V-__8AAAwAAAAhj_4JffWzgylPSKGe4R6FTzo9laseDCr7"},
		{"std.zig's own test", nasm, &Manifest{Name: "nasm", Version: "2.16.1-3", Fingerprint: SuggestFingerprint("nasm", 0xcafebabe)}, 10 << 20,
			"nasm-2.16.1-3-vrr-ygAAoADH9XG3tOdvPNuHen_d-XeHndOG-nNXmved"},
		{"subset of .paths", "d846963d9090dacd5e6674e41f518c43b980333f26086e7a19365c1acc9ddcb2", &Manifest{Name: "demo", Version: "0.1.0", Fingerprint: SuggestFingerprint("demo", 0x1234abcd)}, 0x155,
			"demo-0.1.0-zas0ElUBAADYRpY9kJDazV5mdOQfUYxDuYAzPyYIbnoZ"},
		{"no fingerprint", "3657264de9e6601f0e9a3c3d898a4e3a39ba671a90d09f0dd5f4924401ca34c2", &Manifest{Name: "empties", Version: "0.1.0"}, 97,
			"empties-0.1.0-AAAAAGEAAAA2VyZN6eZgHw6aPD2Jik46ObpnGpDQnw3V"},
		{"string name with a fingerprint", "36a3f9483c4b597348637ff098333008962965ce1dece33e738a234ea2a9f8c3",
			&Manifest{Name: "strname", NameText: true, Version: "0.1.0", Fingerprint: SuggestFingerprint("strname", 0x1234abcd)}, 138,
			"strname-0.1.0-zas0EooAAAA2o_lIPEtZc0hjf_CYMzAIlillzh3s4z5z"},
		{"a string that is no identifier", nasm, &Manifest{Name: "my-lib", NameText: true, Version: "0.1.0"}, 1, ""},
		{"a keyword", nasm, &Manifest{Name: "test", NameText: true, Version: "0.1.0"}, 1, ""},
		{"a long name", nasm, &Manifest{Name: strings.Repeat("n", 33), NameText: true, Version: "0.1.0"}, 1, ""},
		{"a long version", nasm, &Manifest{Name: "n", Version: "1.0.0-" + strings.Repeat("a", 27)}, 1, ""},
		{"another's fingerprint", nasm, &Manifest{Name: "n", Version: "1.0.0", Fingerprint: 1<<32 | 1}, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := digestOf(t, tt.digest)
			h := hashesOf(tt.m, d, tt.size)
			if h.Hash != tt.want {
				t.Errorf("Hash = %q, want %q", h.Hash, tt.want)
			}
			if h.Legacy != "1220"+tt.digest || h.Digest != d || h.Size != tt.size {
				t.Errorf("%+v, want the digest %s and size %d", h, tt.digest, tt.size)
			}
			for _, s := range []string{h.Hash, h.Legacy} {
				if s != "" && !ValidHash(s) {
					t.Errorf("ValidHash(%q) = false", s)
				}
			}
		})
	}
}

// TestHashSaturates checks that a size beyond 32 bits counts as the largest.
func TestHashSaturates(t *testing.T) {
	for _, size := range []int64{math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64} {
		p, ok := parseHash(hashesOf(nil, digest.SHA256{1}, size).Hash)
		if want := uint32(min(size, math.MaxUint32)); !ok || p.Size != want {
			t.Errorf("size %d is %d (%v), want %d", size, p.Size, ok, want)
		}
	}
}

func TestParseHash(t *testing.T) {
	tests := []struct {
		hash string
		want hashParts // without Digest
	}{
		{"N-V-__8AAAwAAAAhj_4JffWzgylPSKGe4R6FTzo9laseDCr7", hashParts{Name: "N", Version: "V", ID: 0xffff, Size: 12}},
		{"pulseaudio-16.1.1-9-mk_62MZkNwBaFwiZ7ZVrYRIf_3dTqqJR5PbMRCJzSuLw", hashParts{Name: "pulseaudio", Version: "16.1.1-9", ID: 0xd8fa4f9a, Size: 0x3764c6}},
		{"dvui-0.4.0-dev-AQFJmayi2gAKE7FeJoF61v5U1IV9-SupoEcFutIZYpkC", hashParts{Name: "dvui", Version: "0.4.0-dev", ID: 0x99490101, Size: 0xdaa2ac}},
		{"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-1.22.333-alpha.1+build.5-vrr-yg0BAABcf9DuyYMzXLwzB-DKTKchcdI2TnvK5G7y",
			hashParts{Name: strings.Repeat("n", 32), Version: "1.22.333-alpha.1+build.5", ID: 0xcafebabe, Size: 269}},
		{"async-1.0.0-AAAAAGEAAAA2VyZN6eZgHw6aPD2Jik46ObpnGpDQnw3V", hashParts{Name: "async", Version: "1.0.0", Size: 97}},
	}
	for _, tt := range tests {
		p, ok := parseHash(tt.hash)
		p.Digest = [tailDigest]byte{}
		if !ok || p != tt.want {
			t.Errorf("parseHash(%q) = %+v, %v, want %+v", tt.hash, p, ok, tt.want)
		}
	}
}

// badHashes have the form of no hash; the commented ones crash a compiler.
func badHashes() []string {
	const tail = "AAAAAGEAAAA2VyZN6eZgHw6aPD2Jik46ObpnGpDQnw3V"
	return []string{
		"", "1220", "1220" + strings.Repeat("g", 64), "1220" + strings.Repeat("A", 64), "1220" + strings.Repeat("a", 63), "1220" + strings.Repeat("a", 65),
		"1120" + strings.Repeat("a", 64), tail, "-" + tail, "--" + tail, "a-" + tail, "a-1.0.0" + tail, "a--" + tail, "-1.0.0-" + tail,
		"a-1.0-" + tail, "a-v1.0.0-" + tail, "a-1.0.0-" + tail[1:], "a-1.0.0-" + tail + "A", "a-1.0.0--" + tail, "N-V-" + tail, "M-V-" + tail,
		"N-W-__8AAAwAAAAhj_4JffWzgylPSKGe4R6FTzo9laseDCr7",
		"a-1.0.0-" + tail[:43] + "!",               // 0.16 and later decode it with "unreachable"
		"a-1.0.0-" + tail[:43] + "\n",              // Go's decoder passes over it
		"a-1.0.0-" + tail[:42] + "==",              // padding
		"a-1.0.0-" + tail[:43] + "+",               // the other alphabet
		strings.Repeat("a", 33) + "-1.0.0-" + tail, // a name longer than a compiler's buffer
		"a-1.0.0-" + strings.Repeat("a", 27) + "-" + tail,
		"../../etc-1.0.0-" + tail, "a/b-1.0.0-" + tail, "a\x00-1.0.0-" + tail, "test-1.0.0-" + tail, "7z-1.0.0-" + tail, "é-1.0.0-" + tail,
	}
}

func TestValidHashRefuses(t *testing.T) {
	for _, s := range badHashes() {
		if ValidHash(s) {
			t.Errorf("ValidHash(%q) = true", s)
		}
	}
}

func TestFingerprint(t *testing.T) {
	const crc = 0x8c736521 // of "foo", as Zig 0.16 prints it
	tests := []struct {
		fingerprint uint64
		name        string
		want        bool
	}{
		{crc<<32 | 1, "foo", true}, {crc<<32 | 0xfffffffe, "foo", true}, {crc << 32, "foo", false}, {crc<<32 | 0xffffffff, "foo", false},
		{crc<<32 | 1, "Foo", false}, {0, "foo", false}, {1, "", true}, {1<<32 | 1, "", false},
	}
	for _, tt := range tests {
		if got := fingerprintFits(tt.fingerprint, tt.name); got != tt.want {
			t.Errorf("fingerprintFits(%#x, %q) = %v", tt.fingerprint, tt.name, got)
		}
	}
	for _, id := range []uint32{0, 1, 0x49dc36, math.MaxUint32 - 1, math.MaxUint32} {
		if f := SuggestFingerprint("foo", id); !fingerprintFits(f, "foo") {
			t.Errorf("SuggestFingerprint(foo, %#x) = %#x doesn't fit", id, f)
		}
	}
}

// FuzzHash checks that a valid hash survives being taken apart and put together.
func FuzzHash(f *testing.F) {
	for _, s := range badHashes() {
		f.Add(s)
	}
	f.Add("dvui-0.4.0-dev-AQFJmayi2gAKE7FeJoF61v5U1IV9-SupoEcFutIZYpkC")
	f.Fuzz(func(t *testing.T, s string) {
		if !ValidHash(s) {
			return
		}
		if strings.ContainsAny(s, "/\\\x00 \n") || len(s) > maxHash || len(s) < tailLength {
			t.Fatalf("%q is valid", s)
		}
		p, ok := parseHash(s)
		if !ok {
			if len(s) != legacyLength {
				t.Fatalf("%q is neither form", s)
			}
			return
		}
		var d digest.SHA256
		copy(d[:], p.Digest[:])
		if got := newHash(p.Name, p.Version, p.ID, d, int64(p.Size)); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
