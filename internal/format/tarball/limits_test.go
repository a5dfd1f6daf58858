package tarball_test

import (
	"math"
	"testing"

	"github.com/org/registry-action/internal/format/tarball"
)

// Who takes larger tarballs takes larger contents too, and never smaller ones than the default.
func TestLimitsFor(t *testing.T) {
	for size, want := range map[int64]int64{0: 1 << 30, 100 << 20: 1 << 30, 5 << 30: 50 << 30} {
		if got := tarball.LimitsFor(size).Unpacked; got != want {
			t.Errorf("a tarball of %d bytes may unpack to %d, want %d", size, got, want)
		}
	}
	if got := tarball.LimitsFor(math.MaxInt64).Unpacked; got < 1<<60 {
		t.Errorf("without a bound: %d", got)
	}
}
