package lumentree

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/org/registry-action/internal/format/digest"
)

// However many exports were killed, a journal stays small, and keeps what was there and what is being written.
func TestJournalIsBounded(t *testing.T) {
	var j journal
	for i := range 3 * maxSnapshots {
		j.Snapshots = append(j.Snapshots, snapshot{Indexes: map[string]digest.SHA256{"p": digest.Of(fmt.Append(nil, i))}})
	}
	first, last := j.Snapshots[0], j.Snapshots[len(j.Snapshots)-1]
	text := j.encode()
	got, err := decodeJournal(text)
	if err != nil || len(got.Snapshots) != maxSnapshots || !got.Snapshots[0].equal(first) || !got.Snapshots[maxSnapshots-1].equal(last) {
		t.Errorf("%d snapshots, %v", len(got.Snapshots), err)
	}
	j.Snapshots = append(j.Snapshots, first)
	if text, err = json.Marshal(j); err != nil {
		t.Fatal(err)
	}
	if _, err := decodeJournal(text); err == nil {
		t.Error("a journal of any length is taken")
	}
}
