package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// needed is an index that knows what depends on packages, by their names.
type needed struct {
	nowhere
	by    map[string][]Found
	fails error
}

func (n *needed) Dependents(_ context.Context, name string, from, size int) ([]Found, int, error) {
	all := n.by[name]
	from = min(from, len(all))
	return all[from:min(from+size, len(all))], len(all), n.fails
}

// What depends on a package stands beside what it depends on, page by page; without the index it is left out.
func TestDependents(t *testing.T) {
	s := newShelf(t, false)
	s.acme()
	const at = "/packages/@acme/core/1.1.0/dependencies"
	s.shows(at, http.StatusOK, "Nothing here depends on it.")
	s.needed.by["@acme/core"] = []Found{{Kind: kindNPM, Name: "@acme/app", Version: "2.0.0", Description: "<b>An app"}}
	s.needed.by["left-pad"] = []Found{{Kind: kindNPM, Name: "other"}}
	body := s.shows(at, http.StatusOK, "<h2>Dependencies</h2>", `<h2 id="dependents">Dependents <span class="soft small">1</span></h2>`, `<a href="/base/packages/@acme/app">@acme/app</a>`, "&lt;b&gt;An app")
	if strings.Contains(body, "other") || strings.Contains(body, "from=") {
		t.Errorf("%s shows what depends on others, or more pages: %s", at, body)
	}
	golden(t, "dependencies", body[strings.Index(body, "</nav>\n<h2>"):strings.Index(body, "</main>")])
	s.shows("/packages/@acme/core/1.0.0/dependencies", http.StatusOK, "@acme/app")

	var many []Found
	for i := range 20_000 {
		many = append(many, Found{Kind: kindNPM, Name: fmt.Sprintf("user-%d", i), Description: strings.Repeat("x", 500)})
	}
	s.needed.by["@acme/core"] = many
	for query, want := range map[string][]string{
		"":                           {">user-0</a>", ">user-19</a>", `href="?from=20#dependents"`, "1 to 20 of 20000"},
		"?from=20":                   {">user-20</a>", ">user-39</a>", `href="?from=0#dependents"`, `href="?from=40#dependents"`},
		"?from=9980":                 {">user-9980</a>", `href="?from=9960#dependents"`},
		"?from=99999999999999999999": {">user-0</a>"},
		"?from=99999":                {">user-9980</a>"},
		"?from=-1":                   {">user-0</a>"},
		"?from=x":                    {">user-0</a>"},
	} {
		body := s.shows(at+query, http.StatusOK, want...)
		if len(body) > 60<<10 || strings.Contains(body, "from=10000") || strings.Count(body, "user-") != searchPage*2 {
			t.Errorf("%s has %d bytes and %d names", at+query, len(body), strings.Count(body, "user-")/2)
		}
	}
	s.needed.fails = errors.New("the index is away")
	body = s.shows(at, http.StatusOK, "<h2>Dependencies</h2>", "can't be found out at the moment")
	if strings.Contains(body, "index is away") {
		t.Errorf("the cause is public: %s", body)
	}
}
