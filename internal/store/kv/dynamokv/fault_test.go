package dynamokv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// broken is a table behind a proxy that fails as it is told.
func broken(t *testing.T) (*DB, *dynamoserver.Server) {
	t.Helper()
	front := dynamoserver.Front(t, server.URL)
	db := openTable(t, Options{Table: newName(), Create: true, Endpoint: front.URL})
	return db, front
}

// hurried lets the calls of f give up soon.
func (db *DB) hurried(f func()) {
	defer func(limit time.Duration) { db.limit = limit }(db.limit)
	db.limit = 100 * time.Millisecond
	f()
}

func answer(code, members string) dynamoserver.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		dynamoserver.Answer(w, http.StatusBadRequest, code, members)
	}
}

// first lets f have the first n requests.
func first(n int64, f dynamoserver.Fault) (dynamoserver.Fault, *atomic.Int64) {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if count.Add(1) <= n {
			f(w, r, pass)
		} else {
			pass.ServeHTTP(w, r)
		}
	}, &count
}

// lose does what it is asked for, and says nothing.
func lose(_ http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(&silent{http.Header{}}, r)
	panic(http.ErrAbortHandler)
}

type silent struct{ header http.Header }

func (s *silent) Header() http.Header       { return s.header }
func (*silent) WriteHeader(int)             {}
func (*silent) Write(p []byte) (int, error) { return len(p), nil }

func wantUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, fault.Unavailable) || fault.Wait(err) <= 0 || errors.Is(err, kv.ErrConflict) {
		t.Errorf("%s: %v, want fault.Unavailable with a wait", what, err)
	}
	if e, ok := fault.Public(err); ok && strings.Contains(e.Message, "of the test") {
		t.Errorf("%s tells clients %q", what, e.Message)
	}
}

var (
	counter = kv.Key{Partition: "p", Sort: "count"}
	other   = kv.Key{Partition: "p", Sort: "other"}
)

// What is refused for a moment is done in the next.
func TestRefusedForAMoment(t *testing.T) {
	conflict := answer("TransactionCanceledException", `,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed"}]`)
	for name, f := range map[string]dynamoserver.Fault{
		"throttled":          answer("ThrottlingException", ""),
		"capacity":           answer("ProvisionedThroughputExceededException", ""),
		"a conflict of one":  answer("TransactionConflictException", ""),
		"a conflict of many": conflict,
		"throttled in many":  answer("TransactionCanceledException", `,"CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError"}]`),
		"a reason cut off": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":`)
		},
		"still in the making": answer("TransactionInProgressException", ""),
	} {
		db, front := broken(t)
		twice, count := first(2, f)
		front.Fail(twice)
		if err := db.Apply(t.Context(), kv.Add(counter, 1), kv.Add(other, 1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		front.Fail(nil)
		if got := value(t, db, counter); got != "1" || count.Load() != 3 {
			t.Errorf("%s: the counter is %s after %d requests, want 1 after 3", name, got, count.Load())
		}
		front.Fail(f)
		db.hurried(func() {
			wantUnavailable(t, name+" for ever", db.Apply(t.Context(), kv.Add(counter, 1), kv.Add(other, 1)))
		})
		// Beside the proxy: healed, it would let through the request that was under way when the time ended.
		straight := openTable(t, Options{Table: db.table})
		if got := value(t, straight, counter); got != "1" {
			t.Errorf("%s: the counter is %s after a refusal, want 1", name, got)
		}
	}
}

func TestReadsAreRepeated(t *testing.T) {
	db, front := broken(t)
	if err := db.Apply(t.Context(), kv.Put(row("p", "s", "v"))); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]dynamoserver.Fault{
		"throttled": answer("ThrottlingException", ""),
		"lost":      lose,
		"500": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			dynamoserver.Answer(w, http.StatusInternalServerError, "InternalServerError", "")
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { io.WriteString(w, "<html>") },
	} {
		twice, _ := first(2, f)
		front.Fail(twice)
		if got := value(t, db, kv.Key{Partition: "p", Sort: "s"}); got != "v" {
			t.Errorf("%s: got %q", name, got)
		}
		twice, _ = first(2, f)
		front.Fail(twice)
		for r, err := range db.Scan(t.Context(), "p", kv.Query{}) {
			if err != nil || string(r.Value) != "v" {
				t.Errorf("%s: scanned %v, %v", name, r, err)
			}
		}
		front.Fail(f)
		db.hurried(func() {
			_, err := db.Get(t.Context(), kv.Key{Partition: "p", Sort: "s"})
			wantUnavailable(t, "Get: "+name, err)
		})
		front.Fail(nil)
	}
}

// A transaction whose answer is lost is asked for again by its token, and happens once.
func TestLostAnswerOfATransaction(t *testing.T) {
	db, front := broken(t)
	var mu sync.Mutex
	requests := map[string]any{} // by token
	front.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var in map[string]any
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		token, _ := in["ClientRequestToken"].(string)
		mu.Lock()
		before, again := requests[token]
		requests[token] = in
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !again {
			lose(w, r, pass)
			return
		}
		if d := cmp.Diff(before, any(in)); d != "" {
			t.Errorf("the request is another, though the token is the same: %s", d)
		}
		pass.ServeHTTP(w, r)
	})
	for range 2 {
		if err := db.Apply(t.Context(), kv.Add(counter, 1), kv.Delete(other)); err != nil {
			t.Fatal(err)
		}
	}
	front.Fail(nil)
	if got := value(t, db, counter); got != "2" || len(requests) != 2 {
		t.Errorf("the counter is %s after two batches with %d tokens", got, len(requests))
	}
}

// A single write whose answer is lost is not repeated: that would count twice, or
// lose its condition to itself.
func TestLostAnswerOfAWrite(t *testing.T) {
	for name, op := range map[string]kv.Op{
		"Add": kv.Add(counter, 1), "PutNew": kv.PutNew(row("p", "count", "1")),
	} {
		db, front := broken(t)
		lost, count := first(1, lose)
		front.Fail(lost)
		wantUnavailable(t, name, db.Apply(t.Context(), op))
		front.Fail(nil)
		if got := value(t, db, counter); got != "1" || count.Load() != 1 {
			t.Errorf("%s: the value is %s after %d requests", name, got, count.Load())
		}
	}
}

// The first lost condition is only known if nothing before it is in doubt.
func TestLostAmongConflicts(t *testing.T) {
	db, front := broken(t)
	front.Fail(answer("TransactionCanceledException", `,"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]`))
	err := db.Apply(t.Context(), kv.Delete(other), kv.PutNew(row("p", "taken", "")), kv.Add(counter, 1))
	if e, ok := errors.AsType[*kv.ConflictError](err); !ok || e.Key.Sort != "taken" {
		t.Errorf("got %v, want a conflict at taken", err)
	}
	front.Fail(answer("TransactionCanceledException", ""))
	db.hurried(func() {
		wantUnavailable(t, "a cancellation without reasons", db.Apply(t.Context(), kv.Delete(other), kv.Add(counter, 1)))
	})
}

func TestServerThatHangs(t *testing.T) {
	db, front := broken(t)
	db.limit = 100 * time.Millisecond
	front.Fail(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.Copy(io.Discard, r.Body) // only then a client that goes is noticed
		<-r.Context().Done()
	})
	_, err := db.Get(t.Context(), counter)
	wantUnavailable(t, "Get", err)
	wantUnavailable(t, "Apply", db.Apply(t.Context(), kv.Add(counter, 1)))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := db.Get(ctx, counter); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fault.Unavailable) {
		t.Errorf("Get of a caller that has no time: %v", err)
	}
}

// Who gives up a batch that is under way learns what became of it, and Close waits for it.
func TestCancelledUnderWay(t *testing.T) {
	db, front := broken(t)
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	hold, _ := first(1, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		cancel()
		go func() { closed <- db.Close() }()
		for !errors.Is(db.Apply(r.Context()), kv.ErrClosed) { // until Close has begun
			runtime.Gosched()
		}
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		pass.ServeHTTP(w, r)
	})
	front.Fail(hold)
	if err := db.Apply(ctx, kv.Add(counter, 1)); err != nil {
		t.Errorf("a batch that was cancelled under way: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	again := openTable(t, Options{Table: db.table})
	if got := value(t, again, counter); got != "1" {
		t.Errorf("the counter is %s", got)
	}
}

// Two servers race for the same rows.
func TestTwoServers(t *testing.T) {
	o := Options{Table: newName(), Create: true}
	dbs := []*DB{openTable(t, o), openTable(t, o)}
	const racers, each = 8, 5
	wins := make([]int, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			for n := range each {
				err := dbs[i%2].Apply(t.Context(), kv.PutNew(row("won", fmt.Sprint(n), fmt.Sprint("by ", i))), kv.Add(counter, 1))
				switch {
				case err == nil:
					wins[i]++
				case !errors.Is(err, kv.ErrConflict):
					t.Error(err)
				}
				if _, err := dbs[(i+1)%2].Get(t.Context(), kv.Key{Partition: "won", Sort: fmt.Sprint(n)}); err != nil {
					t.Errorf("what one server was told of is not there for the other: %v", err)
				}
			}
		})
	}
	wg.Wait()
	all := 0
	for _, n := range wins {
		all += n
	}
	if got := value(t, dbs[0], counter); all != each || got != fmt.Sprint(each) {
		t.Errorf("%d rows were won, the counter says %s, want %d", all, got, each)
	}
}

// Counters that have expired begin anew, and only they: in one batch with others, too.
func TestExpiredCounters(t *testing.T) {
	now := time.Now()
	db := openTable(t, Options{Table: newName(), Create: true, Now: func() time.Time { return now }})
	put := func(sort, value string, in time.Duration) kv.Op {
		r := row("p", sort, value)
		r.Expires = now.Add(in)
		return kv.Put(r)
	}
	if err := db.Apply(t.Context(), put("a", "5", time.Minute), put("b", "text", time.Minute), put("c", "5", time.Hour), put("d", "text", time.Hour)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Minute)
	add := func(sorts string) (ops []kv.Op) {
		for _, sort := range sorts {
			ops = append(ops, kv.Add(kv.Key{Partition: "p", Sort: string(sort)}, 1))
		}
		return ops
	}
	err := db.Apply(t.Context(), add("abcd")...)
	if e, ok := errors.AsType[*kv.ConflictError](err); !ok || e.Key.Sort != "d" {
		t.Fatalf("adding to a text: %v", err)
	}
	if err := db.Apply(t.Context(), add("abce")...); err != nil {
		t.Fatal(err)
	}
	for sort, want := range map[string]string{"a": "1", "b": "1", "c": "6", "e": "1"} {
		if got := value(t, db, kv.Key{Partition: "p", Sort: sort}); got != want {
			t.Errorf("%s is %s, want %s", sort, got, want)
		}
	}
	now = now.Add(time.Hour)
	if got := value(t, db, kv.Key{Partition: "p", Sort: "a"}); got != "1" {
		t.Errorf("a counter that began anew is %s after its old end", got)
	}
}

// Every request that is sent once more is told, and whether there were too many.
func TestRetriesAreTold(t *testing.T) {
	var told []bool
	front := dynamoserver.Front(t, server.URL)
	db := openTable(t, Options{Table: newName(), Create: true, Endpoint: front.URL, Retried: func(throttled bool) { told = append(told, throttled) }})
	if len(told) > 0 {
		t.Errorf("opening a table is told as %v", told)
	}
	for _, tt := range []struct {
		name      string
		fault     dynamoserver.Fault
		throttled bool
	}{
		{"throttled", answer("ThrottlingException", ""), true},
		{"capacity", answer("ProvisionedThroughputExceededException", ""), true},
		{"throttled in many", answer("TransactionCanceledException", `,"CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError"}]`), true},
		{"a conflict of many", answer("TransactionCanceledException", `,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]`), false},
		{"no answer", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, false},
	} {
		told = nil
		twice, _ := first(2, tt.fault)
		front.Fail(twice)
		if err := db.Apply(t.Context(), kv.Add(counter, 1), kv.Add(other, 1)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !slices.Equal(told, []bool{tt.throttled, tt.throttled}) {
			t.Errorf("%s twice is told as %v", tt.name, told)
		}
	}
	told = nil
	once, _ := first(1, answer("ThrottlingException", ""))
	front.Fail(once)
	if got := value(t, db, counter); got == "" || !slices.Equal(told, []bool{true}) {
		t.Errorf("a read that was throttled once is told as %v", told)
	}
}
