package fault_test

import (
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1000: "1000 bytes", 1024: "1 KiB", 100 << 20: "100 MiB", 1 << 30: "1 GiB", 1 << 45: "32768 GiB"} {
		if got := fault.Bytes(n); got != want {
			t.Errorf("fault.Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}
