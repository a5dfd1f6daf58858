package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/org/registry-action/internal/forge"
)

func TestTheTokenStaysWithItsHost(t *testing.T) {
	var got []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"number":7}`)
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer api.Close()
	c, err := forge.New(forge.Options{APIURL: api.URL, Token: "secret", Owner: "acme", Repo: "ws"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadOfPull(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != "Bearer secret" || got[1] != "" {
		t.Errorf("Authorization = %q, want it at the first host only", got)
	}
}

func TestAnEndlessAnswerIsRefused(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<20)
		for range 40 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer api.Close()
	c, err := forge.New(forge.Options{APIURL: api.URL, Token: "t", Owner: "acme", Repo: "ws",
		Wait: func(context.Context, time.Duration) error { return errors.New("it would wait") }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadOfPull(t.Context(), 7); err == nil {
		t.Error("HeadOfPull = nil, want an error")
	}
}

func TestACancelledCallEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer api.Close()
	c, err := forge.New(forge.Options{APIURL: api.URL, Token: "t", Owner: "acme", Repo: "ws"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadOfPull(ctx, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("HeadOfPull = %v, want it cancelled", err)
	}
}
