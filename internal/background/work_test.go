package background

import (
	"errors"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// Close waits for what is under way, whose context it ends, and nothing begins after it.
func TestWorkEndsWithTheService(t *testing.T) {
	w := NewWork()
	ctx, done, err := w.Begin(time.Hour)
	if err != nil || w.Ended() {
		t.Fatalf("beginning: %v, ended %v", err, w.Ended())
	}
	closed, finished := make(chan struct{}), false
	go func() {
		w.Close()
		if !finished {
			t.Error("Close has not waited")
		}
		close(closed)
	}()
	<-ctx.Done()
	finished = true
	done()
	<-closed
	if _, _, err := w.Begin(time.Hour); !errors.Is(err, fault.Unavailable) || !w.Ended() {
		t.Errorf("after Close: %v, ended %v", err, w.Ended())
	}
	w.Close() // once more is no harm
}

func TestWorkHasATime(t *testing.T) {
	w := NewWork()
	defer w.Close()
	ctx, done, err := w.Begin(time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	<-ctx.Done()
}
