package forge

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

const (
	markerStart = "<!-- registry-action:v1 key="
	stateStart  = "<!-- registry-action:state "
	markerEnd   = " -->"
	maxMarker   = 4 << 10 // bytes of a marker line
)

// State says which run wrote a comment.
type State struct {
	RunID     int64  `json:"run_id"`
	Attempt   int64  `json:"attempt"`
	RunNumber int64  `json:"run_number"` // within one workflow, from 1 again when its file is renamed
	SHA       string `json:"sha"`
}

// compare orders states by age. Run ids grow over all workflows, also over a
// renamed one's, whose run numbers begin anew. A re-run keeps its id: it is newer
// than the attempts before it, and older than any later run. Numbers decide where
// ids do not.
func (s State) compare(o State) int {
	return cmp.Or(
		cmp.Compare(s.RunID, o.RunID),
		cmp.Compare(s.Attempt, o.Attempt),
		cmp.Compare(s.RunNumber, o.RunNumber),
	)
}

// mark puts the hidden lines before a body.
func mark(key string, s State, body string) string {
	data, _ := json.Marshal(s) // numbers and a string always marshal
	return markerStart + url.QueryEscape(key) + markerEnd + "\n" +
		stateStart + base64.StdEncoding.EncodeToString(data) + markerEnd + "\n" + body
}

// parseMark reads the hidden lines of a body. A state that cannot be read is
// the zero State, older than any.
func parseMark(body string) (key string, s State, ok bool) {
	first, rest, _ := strings.Cut(body, "\n")
	escaped, ok := between(first, markerStart)
	if !ok {
		return "", State{}, false
	}
	key, err := url.QueryUnescape(escaped)
	if err != nil {
		return "", State{}, false
	}
	second, _, _ := strings.Cut(rest, "\n")
	if encoded, ok := between(second, stateStart); ok {
		data, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || json.Unmarshal(data, &s) != nil {
			s = State{}
		}
	}
	return key, s, true
}

// between returns what stands between start and the marker's end in a line.
func between(line, start string) (string, bool) {
	line = strings.TrimSuffix(line, "\r")
	if len(line) > maxMarker {
		return "", false
	}
	inner, ok := strings.CutPrefix(line, start)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, markerEnd)
}
