package zig

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// known are the hashes that real compilers printed for a vector.
type known struct {
	What   string            `json:"what"`
	Legacy string            `json:"legacy"`
	New    string            `json:"new"`
	Zig    map[string]string `json:"zig"`
}

func vectors(t *testing.T) map[string]known {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors/index.json")
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Vectors map[string]known }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Vectors) == 0 {
		t.Fatal("testdata/vectors/index.json lists no vectors")
	}
	return index.Vectors
}

// usable: where no compiler gives the new hash, none from 0.12 on reads the manifest. (0.11 prints a hash before it has read it.)
func (k known) usable() bool { return k.New != "" }

func TestVectors(t *testing.T) {
	for name, k := range vectors(t) {
		t.Run(name, func(t *testing.T) {
			p, err := inspect(t, vector(t, name))
			if !k.usable() {
				if err == nil {
					t.Fatalf("%s was accepted with %+v for %v, but no compiler can use it", k.What, p.Hashes, p.Zig)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", k.What, err)
			}
			if p.Legacy != k.Legacy || p.Hash != k.New {
				t.Errorf("%s: hashes = %s and %s, want %s and %s", k.What, p.Hash, p.Legacy, k.New, k.Legacy)
			}
			again := mustInspect(t, canonical(t, p))
			if again.Hashes != p.Hashes {
				t.Errorf("the canonical archive has the hashes %+v, want %+v", again.Hashes, p.Hashes)
			}
			if !slices.Equal(again.Zig, p.Zig) {
				t.Errorf("the canonical archive can be fetched by %v, want %v", again.Zig, p.Zig)
			}
		})
	}
}
