package parity

import (
	"path/filepath"
	"strconv"
	"testing"
)

// TestSynthetic packs packages made up for the rules' corners. The command
// tries any number of others: -synthetic.
func TestSynthetic(t *testing.T) {
	t.Parallel()
	npm := findNPM(t)
	top := t.TempDir()
	var trees []Tree
	for seed := range 200 {
		tree, err := Synthetic(filepath.Join(top, strconv.Itoa(seed)), uint64(seed))
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
	}
	compare(t, npm, trees)
}
