package forge

import (
	"cmp"
	"strings"
	"testing"
)

func TestMark(t *testing.T) {
	for _, key := range []string{"default", "a b", "--> x <!--", "ключ", "a\nb", strings.Repeat("k", 200)} {
		want := State{RunID: 1 << 60, Attempt: 2, RunNumber: 3, SHA: "abc"}
		body := mark(key, want, "text")
		gotKey, got, ok := parseMark(body)
		if !ok || gotKey != key || got != want {
			t.Errorf("parseMark(mark(%q)) = %q, %+v, %v", key, gotKey, got, ok)
		}
		if n := strings.Count(body, "-->"); n != 2 {
			t.Errorf("mark(%q) has %d ends of comments, want 2:\n%s", key, n, body)
		}
	}
	for _, body := range []string{"", "text", " <!-- registry-action:v1 key=a -->", "text\n<!-- registry-action:v1 key=a -->",
		"<!-- registry-action:v1 key=a", "<!-- registry-action:v1 key=%zz -->", "<!-- registry-action:v2 key=a -->",
		"<!-- registry-action:v1 key=" + strings.Repeat("a", maxMarker) + " -->"} {
		if key, _, ok := parseMark(body); ok {
			t.Errorf("parseMark(%.60q) = %q, want none", body, key)
		}
	}
}

func TestStatesAreOrderedByRun(t *testing.T) {
	byAge := []State{
		{}, // cannot be read
		{RunNumber: 1},
		{RunID: 1001, Attempt: 1, RunNumber: 500},
		{RunID: 1001, Attempt: 2, RunNumber: 500}, // run again
		{RunID: 1002, Attempt: 1},                 // written by the server, which knows no number
		{RunID: 1003, Attempt: 1, RunNumber: 1},   // the workflow's file was renamed
		{RunID: 1004, Attempt: 1, RunNumber: 499}, // another workflow
	}
	for i, a := range byAge {
		for j, b := range byAge {
			if got, want := a.compare(b), cmp.Compare(i, j); got != want {
				t.Errorf("%+v.compare(%+v) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add(mark("default", State{RunID: 1, Attempt: 2, RunNumber: 3, SHA: "abc"}, "text"))
	f.Add("<!-- registry-action:v1 key=a%2F -->\r\n<!-- registry-action:state e30= -->\r\n")
	f.Add("<!-- registry-action:v1 key= -->\n<!-- registry-action:state eyJydW5faWQiOi0xfQ== -->")
	f.Fuzz(func(t *testing.T, body string) {
		key, state, ok := parseMark(body)
		if !ok {
			return
		}
		again, same, ok := parseMark(mark(key, state, body))
		if len(key) <= 200 && (!ok || again != key || same.compare(state) != 0) {
			t.Errorf("parseMark(mark(%q, %+v)) = %q, %+v, %v", key, state, again, same, ok)
		}
	})
}
