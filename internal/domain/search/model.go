package search

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Kind is what a document is of; the feed has the same names.
type Kind string

// The kinds.
const (
	NPM    Kind = "npm"
	Zig    Kind = "zig"
	Lumen  Kind = "lumen"
	Commit Kind = "commit" // a repository of which commits are published
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{NPM, Zig, Lumen, Commit} }

// Document is a package, or a repository, as it is found and shown.
type Document struct {
	Kind        Kind      `json:"kind"`
	Key         string    `json:"key"` // what its source calls it by
	Name        string    `json:"name"`
	Version     string    `json:"version,omitempty"` // latest; of a repository a commit
	Description string    `json:"description,omitempty"`
	Keywords    []string  `json:"keywords,omitempty"`
	Author      string    `json:"author,omitempty"`
	Publisher   string    `json:"publisher,omitempty"`
	Owners      []string  `json:"owners,omitempty"`
	Packages    []string  `json:"packages,omitempty"` // of a repository: names
	Depends     []string  `json:"depends,omitempty"`  // names of packages of the same kind that the version needs
	Modified    time.Time `json:"modified"`
	Downloads   int64     `json:"downloads,omitempty"` // of the last 30 days, as of when the document was indexed
}

// Source knows all documents of a kind.
type Source interface {
	// Read returns the document with a key as it is now; ok is false if there is none.
	Read(ctx context.Context, key string) (d Document, ok bool, err error)
	// List yields all documents; an error ends it.
	List(ctx context.Context) iter.Seq2[Document, error]
}

// Popularity counts downloads.
type Popularity interface {
	// Monthly is the downloads of a package in the last 30 days.
	Monthly(ctx context.Context, kind Kind, name string) (int64, error)
}

// Query is what to search for.
type Query struct {
	Text  string // words and filters, see parse
	Kinds []Kind // none: all
	From  int    // at most maxFrom
	Size  int    // at most maxSize
}

// Found is an answer.
type Found struct {
	Documents []Document // From on, Size at most
	Total     int        // all that the query finds
}

// The bounds of a search. What is beyond them is cut.
const (
	maxFrom = 10_000
	maxSize = 250
)

// Options of a Service. Zero values mean the defaults.
type Options struct {
	Feed       kv.DB         // whose changes are followed; nil: none
	Settle     time.Duration // how long a batch of it may be seen in part
	Every      time.Duration // between looks at the feed; 0.5 s
	Refresh    time.Duration // how often all documents, with their downloads, are read anew; 6 hours
	Popularity Popularity    // nil: nothing is downloaded
	Now        func() time.Time
	Log        *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Refresh = cmp.Or(o.Refresh, 6*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// id is the name of a document in the index.
func (d Document) id() string { return string(d.Kind) + "/" + d.Key }

// same reports whether the index need not be changed for d: downloads that differ by little change no rank.
func (d Document) same(old Document) bool {
	less, more := min(d.Downloads, old.Downloads), max(d.Downloads, old.Downloads)
	return d.Kind == old.Kind && d.Key == old.Key && d.Name == old.Name && d.Version == old.Version && d.Description == old.Description &&
		slices.Equal(d.Keywords, old.Keywords) && d.Author == old.Author && d.Publisher == old.Publisher &&
		slices.Equal(d.Owners, old.Owners) && slices.Equal(d.Packages, old.Packages) && slices.Equal(d.Depends, old.Depends) &&
		d.Modified.Equal(old.Modified) && more-less <= less/20
}
