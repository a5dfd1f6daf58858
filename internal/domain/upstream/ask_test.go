package upstream

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

func TestKeys(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := func() string {
			t.Helper()
			list, err := w.Keys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, k := range list {
				all = append(all, k.KeyID)
			}
			return strings.Join(all, " ")
		}
		w.registry.intercept(statusOf(503))
		for range 3 {
			if _, err := w.Keys(t.Context()); !errors.Is(err, fault.Unavailable) {
				t.Errorf("upstream down, no keys known: %v", err)
			}
		}
		if got := w.registry.took(); len(got) != maxTries {
			t.Errorf("upstream was asked %v", got)
		}
		time.Sleep(egress.RestFor)
		w.registry.intercept(text("", `{"keys":[{"keyid":"SHA256:one","expires":null},{"keyid":"SHA256:two","expires":"2020-01-01T00:00:00.000Z"}]}`))
		for range 3 {
			if got := ids(); got != "SHA256:one SHA256:two" {
				t.Errorf("keys: %s", got)
			}
		}
		w.wantRequests("GET /-/npm/v1/keys")
		time.Sleep(time.Hour)
		for _, bad := range []intercept{statusOf(500), text("", "<html>"), statusOf(403)} {
			w.registry.intercept(bad)
			if got := ids(); got != "SHA256:one SHA256:two" {
				t.Errorf("upstream down: %s, want the last known", got)
			}
			time.Sleep(egress.RestFor)
		}
		for _, none := range []int{404, 400} {
			w.registry.intercept(statusOf(none))
			if got := ids(); got != "" {
				t.Errorf("status %d: keys %s", none, got)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestAttestations(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(text("", `{"attestations":[]}`))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if got, err := w.Attestations(t.Context(), "@acme/a", "1.0.0+x/.."); err != nil || string(got) != `{"attestations":[]}` {
					t.Errorf("Attestations = %s, %v", got, err)
				}
			})
		}
		wg.Wait()
		for _, got := range w.registry.took() {
			if got != "GET /-/npm/v1/attestations/@acme/a@1.0.0+x%2F.." {
				t.Errorf("upstream was asked %s", got)
			}
		}
		for _, tt := range []struct {
			answer intercept
			kind   fault.Kind
		}{
			{statusOf(404), fault.NotFound}, {statusOf(400), fault.Upstream}, {statusOf(500), fault.Unavailable},
			{text("", "<html>"), fault.Upstream}, {text("", `"`+strings.Repeat("x", 6<<20)+`"`), fault.Upstream},
		} {
			w.registry.intercept(tt.answer)
			if _, err := w.Attestations(t.Context(), "a", "1.0.0"); !errors.Is(err, tt.kind) {
				t.Errorf("Attestations: %v, want %s", err, tt.kind)
			}
		}
	})
}

func TestSearch(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.intercept(text("", `{"objects":[{"package":{"name":"a"}},{"package":{"name":"b"}}],"total":7,"time":"x"}`))
		objects, total, err := w.Search(t.Context(), "a & b=c", 20, 10)
		if err != nil || total != 7 || len(objects) != 2 || string(objects[1]) != `{"package":{"name":"b"}}` {
			t.Errorf("Search = %s, %d, %v", objects, total, err)
		}
		if got := w.registry.last().URL; got.Path != "/-/v1/search" || got.RawQuery != "from=20&size=10&text=a+%26+b%3Dc" {
			t.Errorf("upstream was asked %s", got)
		}
		for _, bad := range []intercept{statusOf(404), statusOf(500), statusOf(401)} {
			w.registry.intercept(bad)
			if _, _, err := w.Search(t.Context(), "a", 0, 10); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Search: %v", err)
			}
		}
		w.registry.intercept(text("", "<html>"))
		if _, _, err := w.Search(t.Context(), "a", 0, 10); !errors.Is(err, fault.Upstream) {
			t.Errorf("Search: %v", err)
		}
	})
}

func TestHas(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		for name, want := range map[string]bool{"a": true, "b": false} {
			if got, err := w.Has(t.Context(), name); err != nil || got != want {
				t.Errorf("Has(%s) = %t, %v", name, got, err)
			}
		}
		w.registry.status(500)
		if _, err := w.Has(t.Context(), "c"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Has, upstream down: %v", err)
		}
	})
}

func TestHasScope(t *testing.T) {
	hits := func(names ...string) intercept {
		var list []string
		for _, n := range names {
			list = append(list, fmt.Sprintf(`{"package":{"name":%q}}`, n))
		}
		return text("", `{"objects":[`+strings.Join(list, ",")+`],"total":3}`)
	}
	bubble(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			answer intercept
			want   bool
		}{
			{hits("@acme/a"), true}, {hits("acme", "@acme/a"), true}, {hits("@Acme/a"), true}, {hits(), false},
			{hits("acme", "@acme-corp/a", "@other/acme"), false}, // who searches for the words
			{text("", `{"objects":[1,{"package":null}]}`), false},
		} {
			w.registry.intercept(tt.answer)
			if got, err := w.HasScope(t.Context(), "@acme"); err != nil || got != tt.want {
				t.Errorf("HasScope = %t, %v; want %t", got, err, tt.want)
			}
		}
		if got := w.registry.last().URL.Query().Get("text"); got != "scope:acme" {
			t.Errorf("upstream was asked for %s", got)
		}
		for _, status := range []int{400, 401, 404, 405} { // it can't search
			w.registry.intercept(statusOf(status))
			if _, err := w.HasScope(t.Context(), "@acme"); !errors.Is(err, fault.Upstream) {
				t.Errorf("HasScope, where a search is answered with the status %d: %v", status, err)
			}
		}
		for _, bad := range []intercept{statusOf(500), statusOf(429), cut("")} {
			w.registry.intercept(bad)
			if _, err := w.HasScope(t.Context(), "@acme"); !errors.Is(err, fault.Unavailable) {
				t.Errorf("HasScope, upstream down: %v", err)
			}
		}
	})
}

func TestAdvisories(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.restart(Options{UserAgent: "registry-server/1"})
		var body string
		w.registry.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			gz, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return false
			}
			b, err := io.ReadAll(gz)
			if err != nil {
				t.Error(err)
			}
			body = string(b)
			_, _ = io.WriteString(rw, `{"a":[{"id":1}],"other":[{"id":2}]}`)
			return true
		})
		if got, err := w.Advisories(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("Advisories of nothing = %v, %v", got, err)
		}
		w.wantRequests()
		got, err := w.Advisories(t.Context(), map[string][]string{"a": {"1.0.0"}, "b": {"2.0.0"}})
		if err != nil || len(got) != 1 || string(got["a"]) != `[{"id":1}]` {
			t.Errorf("Advisories = %s, %v", got, err)
		}
		if body != `{"a":["1.0.0"],"b":["2.0.0"]}`+"\n" {
			t.Errorf("upstream was sent %s", body)
		}
		r := w.registry.last()
		for name := range r.Header {
			switch name {
			case "Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "User-Agent", hopHeader:
			default:
				t.Errorf("upstream was sent %s: %s", name, r.Header[name])
			}
		}
		if r.Method != "POST" || r.URL.Path != "/-/npm/v1/security/advisories/bulk" || r.UserAgent() != "registry-server/1" {
			t.Errorf("upstream was asked %s %s by %s", r.Method, r.URL, r.UserAgent())
		}
	})
}

func TestAuditsThatFail(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.registry.publish("a", "1.0.0")
		ask := func() (map[string]json.RawMessage, error) {
			return w.Advisories(context.Background(), map[string][]string{"a": {"1.0.0"}})
		}
		w.registry.took()
		for _, bad := range []struct {
			answer intercept
			kind   fault.Kind
		}{{statusOf(503), fault.Unavailable}, {cut(""), fault.Unavailable}, {statusOf(404), fault.NotFound}, {statusOf(405), fault.NotFound}} {
			w.registry.intercept(bad.answer)
			if _, err := ask(); !errors.Is(err, bad.kind) {
				t.Errorf("Advisories: %v, want %s", err, bad.kind)
			}
		}
		if got := w.registry.took(); len(got) != 4 {
			t.Errorf("a POST was repeated: %v", got)
		}
		w.registry.intercept(text("", `{"a":"`+strings.Repeat("x", 21<<20)+`"}`))
		if _, err := ask(); !errors.Is(err, fault.Upstream) {
			t.Errorf("an answer of 21 MiB: %v", err)
		}
		w.registry.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		})
		start := time.Now()
		for range egress.MaxFailures {
			if _, err := ask(); !errors.Is(err, fault.Unavailable) {
				t.Errorf("Advisories: %v", err)
			}
		}
		if took := time.Since(start); took != egress.MaxFailures*auditTime {
			t.Errorf("audits without an answer took %s", took)
		}
		w.registry.intercept(nil)
		w.doc("a", full, false) // audits that fail are no dead upstream
	})
}
