package feed

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of the feed is made here.
//
//	feed/{hour}    {time}/{random}    a change: its kind, then names, each on a line

// TTL is how long a change can be read.
const TTL = 24 * time.Hour

const (
	bucket     = time.Hour // of a partition
	bucketText = "2006-01-02T15"
	timeText   = "2006-01-02T15:04:05.000" // as long for every time, so that the rows of a partition are in order
)

// Change says that something became of a package.
type Change struct {
	Kind string
	Name string
}

// Changed returns the row that says that packages of one kind, at least one, were changed. Neither a kind nor a name
// has a line break.
func Changed(kind string, now time.Time, names ...string) kv.Op {
	now = now.UTC()
	return kv.Put(kv.Row{
		Key:     kv.Key{Partition: partitionAt(now), Sort: sortAt(now) + "/" + rand.Text()},
		Value:   []byte(kind + "\n" + strings.Join(names, "\n")),
		Expires: now.Add(TTL + Skew),
	})
}

func partitionAt(t time.Time) string { return "feed/" + t.UTC().Format(bucketText) }

// sortAt is below the sorts of all rows written at t or after it.
func sortAt(t time.Time) string { return t.UTC().Format(timeText) }

// decode reads the changes of a row.
func decode(r kv.Row) ([]Change, error) {
	kind, names, ok := strings.Cut(string(r.Value), "\n")
	if !ok || kind == "" || names == "" {
		return nil, fmt.Errorf("decoding row %s: it names no package", r.Key)
	}
	var changes []Change
	for name := range strings.SplitSeq(names, "\n") {
		changes = append(changes, Change{kind, name})
	}
	return changes, nil
}
