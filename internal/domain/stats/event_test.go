package stats

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestParseEvents(t *testing.T) {
	for text, want := range map[string]int{
		`{"packageName":"a","category":"install"}`:                                                                                    1,
		` [{"packageName":"@acme/a","category":"build_error","version":"1.0.0"}] `:                                                    1,
		`[{"packageName":"github.com/cli/cli","category":"download"},{"packageName":"b","category":"install_on_request","more":[1]}]`: 2,
		`[]`: 0,
	} {
		if events, err := ParseEvents([]byte(text)); err != nil || len(events) != want {
			t.Errorf("ParseEvents(%s) = %v, %v", text, events, err)
		}
	}
	many := "[" + strings.Repeat(`{"packageName":"a","category":"install"},`, maxEvents) + `{"packageName":"a","category":"install"}]`
	for text, code := range map[string]string{
		``: "invalid_json", `7`: "invalid_json", `null`: "invalid_json", `{`: "invalid_json", `[{]`: "invalid_json", `[null]`: "invalid_json", `[[]]`: "invalid_json",
		`{"packageName":7,"category":"install"}`:                        "invalid_json",
		`{"category":"install"}`:                                        "invalid_name",
		`{"packageName":"../x","category":"install"}`:                   "invalid_name",
		`{"packageName":"a\u0000b","category":"install"}`:               "invalid_name",
		`{"packageName":"=cmd()","category":"install"}`:                 "invalid_name",
		`{"packageName":"` + strings.Repeat("a", 215) + `"}`:            "invalid_name",
		`{"packageName":"a","category":"npm"}`:                          "invalid_category",
		`{"packageName":"a"}`:                                           "invalid_category",
		`{"packageName":"a","category":"install","version":"1/../../"}`: "invalid_version",
		many: "too_many_events",
	} {
		_, err := ParseEvents([]byte(text))
		if public, ok := fault.Public(err); !ok || public.Kind != fault.Invalid || public.Code != code {
			t.Errorf("ParseEvents(%.80s): %v, want %s", text, err, code)
		}
	}
}

type reporter bool

func (r reporter) Anonymous() bool { return bool(r) }

func TestRecord(t *testing.T) {
	w := newWorld(t)
	events := []Event{{"a", "install", "1.0.0"}, {"a", "install", ""}, {"a", "download", "1.0.0"}}
	if err := w.Record(reporter(true), events); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("anonymous: %v", err)
	}
	if err := w.Record(reporter(false), events); err != nil {
		t.Fatal(err)
	}
	w.written()
	if p := w.pkg("a"); p.Total != 0 {
		t.Errorf("events are downloads: %+v", p)
	}
	if p := w.pkg("a", Events()...); p.Total != 2 || p.Versions["1.0.0"].Total != 1 {
		t.Errorf("events: %+v", p)
	}
}

// Whoever reports what he makes up pushes out no download while the store is away.
func TestEventsLeaveRoomForDownloads(t *testing.T) {
	w := newWorld(t)
	w.count(3, NPM, "a", "1.0.0")
	taken := 0
	for i := range 2 * maxWaiting / maxEvents {
		events := make([]Event, maxEvents)
		for n := range events {
			events[n] = Event{Package: fmt.Sprintf("made-up-%d-%d", i, n), Category: string(Install)}
		}
		switch err := w.Record(reporter(false), events); {
		case err == nil:
			taken++
		case !errors.Is(err, fault.Unavailable) || fault.Wait(err) == 0:
			t.Fatalf("Record = %v", err)
		}
	}
	if n := w.waiting(); taken == 0 || taken == 2*maxWaiting/maxEvents || w.dropped != 0 || n != int64(3+taken*maxEvents) {
		t.Errorf("%d reports of %d events are taken, %d counts wait, %d were dropped", taken, maxEvents, n, w.dropped)
	}
	w.discard()
}

func FuzzParseEvents(f *testing.F) {
	for _, seed := range []string{`{"packageName":"a","category":"install"}`, `[{"packageName":"@a/b","category":"download","version":"1"}]`, `[{`, `nul`, `{"packageName":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := ParseEvents(text)
		if err != nil {
			if _, ok := fault.Public(err); !ok {
				t.Errorf("%v is not public", err)
			}
			return
		}
		for _, e := range events {
			if !countable(e.Package, maxName) || strings.Contains(e.Package, "..") && strings.Contains(e.Package, "/..") || !countable(e.Version+"-", maxVersion) {
				t.Errorf("%q is taken", e)
			}
		}
	})
}
