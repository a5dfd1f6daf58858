package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/fault"
)

// inActions returns a Runner in Actions with more environment, and its log.
func inActions(env map[string]string) (*runner.Runner, *bytes.Buffer) {
	var log bytes.Buffer
	return runner.New(runner.Options{
		Stdout: &log,
		Getenv: func(k string) string {
			if k == "GITHUB_ACTIONS" {
				return "true"
			}
			return env[k]
		},
	}), &log
}

// readFileCommands reads the file as the runner does: name=value, or
// name<<delimiter, lines, delimiter.
func readFileCommands(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" {
			continue
		}
		eq, here := strings.Index(lines[i], "="), strings.Index(lines[i], "<<")
		if here < 0 || eq >= 0 && eq < here {
			name, value, ok := strings.Cut(lines[i], "=")
			if !ok {
				t.Fatalf("line %q is no command", lines[i])
			}
			values[name] = value
			continue
		}
		name, end := lines[i][:here], lines[i][here+2:]
		var value []string
		for i++; ; i++ {
			if i == len(lines) {
				t.Fatalf("the value of %s has no end", name)
			}
			if lines[i] == end {
				break
			}
			value = append(value, lines[i])
		}
		values[name] = strings.Join(value, "\n")
	}
	return values
}

func TestSetOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	r, log := inActions(map[string]string{"GITHUB_OUTPUT": path})
	want := map[string]string{
		"sha":        "abc",
		"empty":      "",
		"urls":       "[\"a\",\n\"b\"]\n",
		"comment-id": "1<<2=3",
		"forged":     "x\nghadelimiter_\nurls=https://evil.example\nurls<<E\nevil\nE",
	}
	for name, value := range want {
		if err := r.SetOutput(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, readFileCommands(t, path)); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if log.Len() > 0 {
		t.Errorf("log = %q, want none", log)
	}
	for _, name := range []string{"", "a=b", "a\nb", "a<<b", "7"} {
		if err := r.SetOutput(name, "x"); !errors.Is(err, fault.Invalid) {
			t.Errorf("SetOutput(%q) = %v, want a fault.Invalid", name, err)
		}
	}
	none, _ := inActions(nil)
	if err := none.SetOutput("a", "b"); err != nil {
		t.Errorf("SetOutput without a file = %v, want nil", err)
	}
}

func TestStepSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	r, _ := inActions(map[string]string{"GITHUB_STEP_SUMMARY": path})
	for _, md := range []string{"# one", "two"} {
		if err := r.AddStepSummary(md); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.AddStepSummary(strings.Repeat("x", 1<<20-10)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("AddStepSummary over the limit = %v, want a fault.TooLarge", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "# one\ntwo\n" {
		t.Errorf("summary = %q", got)
	}
	none, _ := inActions(nil)
	if err := none.AddStepSummary("x"); err != nil {
		t.Errorf("AddStepSummary without a file = %v, want nil", err)
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*runner.Runner)
		want string
	}{
		{"notice", func(r *runner.Runner) { r.Noticef("a %d%%", 5) }, "::notice::a 5%25\n"},
		{"injection in a message", func(r *runner.Runner) { r.Warningf("a\r\n::set-env name=X::y") }, "::warning::a%0D%0A::set-env name=X::y\n"},
		{"mask of lines", func(r *runner.Runner) { r.AddMask("one\ntwo\n\none\n") },
			"::add-mask::one%0Atwo%0A%0Aone\n::add-mask::one\n::add-mask::two\n"},
		{"mask of nothing", func(r *runner.Runner) { r.AddMask(" \n") }, ""},
		{"long message", func(r *runner.Runner) { r.Errorf("%s", strings.Repeat("é", 5000)) }, "::error::" + strings.Repeat("é", 4095) + "…\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, log := inActions(nil)
			tt.do(r)
			if diff := cmp.Diff(tt.want, log.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnotationsArePlainLinesAfterTen(t *testing.T) {
	r, log := inActions(nil)
	for i := range 12 {
		r.Warningf("w%d\n::add-mask::x", i)
	}
	r.Errorf("e")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 13 {
		t.Fatalf("log has %d lines, want 13:\n%s", len(lines), log)
	}
	if got, want := lines[11], "warning: w11 | ::add-mask::x"; got != want {
		t.Errorf("the 12th is %q, want %q", got, want)
	}
	if got, want := lines[12], "::error::e"; got != want {
		t.Errorf("the first error is %q, want %q", got, want)
	}
}

func TestAtADesk(t *testing.T) {
	var log bytes.Buffer
	r := runner.New(runner.Options{Stdout: &log, Getenv: func(string) string { return "" }})
	r.AddMask("secret")
	r.Warningf("careful\nnow")
	if got, want := log.String(), "warning: careful | now\n"; got != want {
		t.Errorf("log = %q, want %q", got, want)
	}
	if r.InActions() {
		t.Error("InActions = true, want false")
	}
}

func TestIDToken(t *testing.T) {
	var waits []time.Duration
	answers := []int{503, 429, 200}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if got := req.URL.Query(); got.Get("audience") != "registry:a b" || got.Get("api-version") != "2" {
			t.Errorf("query = %v", got)
		}
		if got := req.Header.Get("Authorization"); got != "Bearer request" {
			t.Errorf("Authorization = %q", got)
		}
		status := answers[0]
		answers = answers[1:]
		w.WriteHeader(status)
		fmt.Fprint(w, `{"value":"the.id.token"}`)
	}))
	defer srv.Close()
	var log bytes.Buffer
	env := map[string]string{"GITHUB_ACTIONS": "true",
		"ACTIONS_ID_TOKEN_REQUEST_URL": srv.URL + "/?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request"}
	r := runner.New(runner.Options{Stdout: &log, Getenv: func(k string) string { return env[k] },
		Wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }})

	got, err := r.IDToken(t.Context(), "registry:a b")
	if err != nil || got != "the.id.token" {
		t.Fatalf("IDToken = %q, %v", got, err)
	}
	if log.String() != "::add-mask::the.id.token\n" {
		t.Errorf("log = %q, want the mask", &log)
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}

	answers = []int{403}
	if _, err := r.IDToken(t.Context(), "registry:a b"); err == nil || len(answers) != 0 {
		t.Errorf("IDToken answered 403 = %v, want an error after one try", err)
	}
	answers = []int{500, 500, 500, 500, 500}
	if _, err := r.IDToken(t.Context(), "registry:a b"); err == nil || len(answers) != 0 {
		t.Errorf("IDToken answered 500 = %v with %d tries left, want an error after five", err, len(answers))
	}
}

func TestIDTokenWithoutPermission(t *testing.T) {
	r, _ := inActions(nil)
	if _, err := r.IDToken(t.Context(), "a"); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "id-token: write") {
		t.Errorf("IDToken = %v, want a fault.Forbidden that names the permission", err)
	}
}
