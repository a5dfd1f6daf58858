package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Trial is a change that was not made yet, on stores of its own.
type Trial struct {
	DB   *DB
	Make func() error
	Seen func() map[string]any // what can be seen of the stores
}

var errDoubt = errors.New("the disk is gone, or is it?")

// InDoubt checks that a change leads to the same if one of its writes fails though it happened (law 7 of kv) and the
// change is made again, whichever write that is. begin makes the same trial each time.
func InDoubt(t *testing.T, begin func(t *testing.T) Trial) {
	t.Helper()
	sure := begin(t)
	if err := sure.Make(); err != nil {
		t.Fatal(err)
	}
	want := sure.Seen()
	for write := 0; ; write++ {
		trial := begin(t)
		trial.DB.Doubt(write, errDoubt)
		err := trial.Make()
		if err == nil {
			if write == 0 {
				t.Error("the change wrote nothing")
			}
			return
		}
		if !errors.Is(err, errDoubt) {
			t.Fatalf("write %d: %v", write, err)
		}
		if err := trial.Make(); err != nil {
			t.Fatalf("write %d, made again: %v", write, err)
		}
		if d := cmp.Diff(want, trial.Seen()); d != "" {
			t.Errorf("after write %d was in doubt and the change made again: %s", write, d)
		}
	}
}
