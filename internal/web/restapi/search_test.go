package restapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func copyAll(w io.Writer, resp *http.Response) error {
	_, err := io.Copy(w, resp.Body)
	return err
}

func TestSearch(t *testing.T) {
	n := start(t, setup{})
	n.publish(`{"name":"@acme/blue","version":"1.0.0","description":"paints things","keywords":["colour"],"author":"Ann <ann@acme.example>"}`)
	n.publish(`{"name":"acme-red","version":"2.0.0"}`)

	results := n.Get("/search?q=colour&limit=5").Want(t, 200, "").JSON()["results"].([]any)
	first := results[0].(map[string]any)
	if first["name"] != "@acme/blue" || first["version"] != "1.0.0" || first["description"] != "paints things" || first["author"] != "Ann" ||
		first["downloads"] != 0.0 || fmt.Sprint(first["keywords"]) != "[colour]" {
		t.Errorf("first result = %v", first)
	}
	if len(results) != 2 || results[1].(map[string]any)["name"] != "of-upstream" {
		t.Errorf("results = %v, want ours, then upstream's", results)
	}
	if all := n.Get("/search?q=").JSON()["results"].([]any); len(all) != 2 {
		t.Errorf("an empty query found %v, want both of ours", all)
	}
	if one := n.Get("/search?q=acme&limit=1").JSON()["results"].([]any); len(one) != 1 {
		t.Errorf("limit=1 found %v", one)
	}
	n.Get("/search?q=nothing-has-this-name").Want(t, 200, `"results":[`)
}

func TestSearchForms(t *testing.T) {
	n := start(t, setup{})
	browser := "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for path, header := range map[string]string{
		"/search?q=a": "Accept: application/json", "/search?q=b": "Accept: */*", "/search?q=c": browser, "/search?q=d&format=json": "Accept: text/html",
	} {
		if a := n.Get(path, header).Want(t, 200, `"results":[`); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
			t.Errorf("GET %s with %s has the type %s", path, header, a.Header.Get("Content-Type"))
		}
	}
	n.Get("/search?q=a", "Accept: text/html").Want(t, 406, "rules out")
}

func TestSearchBounds(t *testing.T) {
	n := start(t, setup{})
	for i := range 60 {
		n.publish(fmt.Sprintf(`{"name":"tool-%d","version":"1.0.0"}`, i))
	}
	for query, want := range map[string]int{"q=tool": 20, "q=tool&limit=50": 50, "q=tool&limit=1000": 50, "q=tool&limit=7": 7} {
		if got := len(n.Get("/search?" + query).JSON()["results"].([]any)); got != want {
			t.Errorf("%s found %d, want %d", query, got, want)
		}
	}
	for _, limit := range []string{"abc", "-1", "0", "1.5", strings.Repeat("9", 40)} {
		n.Get("/search?q=a&limit="+limit).Want(t, 400, "limit")
	}
	// What is behind 256 characters is not looked at; broken encodings are no error.
	long := "tool-1" + strings.Repeat(" ", 250)
	n.Get("/search?q="+url.QueryEscape(long+"zzz")).Want(t, 200, `"tool-1"`)
	n.Get("/search?q=%ff%fe%zz").Want(t, 200, `"results":[`)
}

func TestPrivateReads(t *testing.T) {
	n := start(t, setup{readAuth: true})
	n.publish(`{"name":"pkg","version":"1.0.0"}`)
	for _, path := range []string{"/packages/pkg", "/packages/pkg/1.0.0", "/packages/pkg/versions", "/packages/pkg/1.0.0/tarball", "/packages/pkg/latest/tarball", "/packages/pkg/paywall", "/packages/none", "/search?q=pkg"} {
		n.as("").Get(path).Want(t, 401, "Authorization required")
		n.as("wrong").Get(path).Want(t, 401, "Invalid token")
		if a := n.Get(path); a.StatusCode == 401 || a.StatusCode == 200 && !strings.HasPrefix(a.Header.Get("Cache-Control"), "private") {
			t.Errorf("GET %s = %d with Cache-Control %q, want a private answer", path, a.StatusCode, a.Header.Get("Cache-Control"))
		}
	}
}
