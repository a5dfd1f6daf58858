package commits

import (
	"bytes"
	"context"
	"sync"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// contents is a commit as its head and rows say, expired or not.
type contents struct {
	head
	raw      []byte // the head's value, for a later condition
	found    bool
	packages map[string]Package
	owner    map[string]string // name -> id of the publish that holds it
}

// load reads a commit. The rows behind a head never change, so they are read
// once and then taken from memory for as long as the head is the same.
func (s *Service) load(ctx context.Context, sha string) (contents, error) {
	c, fresh, err := s.fetch(ctx, sha)
	if err == nil && c.found && fresh {
		s.recent.put(sha, c)
	}
	return c, err
}

// fetch is load for who reads many commits: they do not push others out of
// memory. fresh says that this one was not there.
func (s *Service) fetch(ctx context.Context, sha string) (c contents, fresh bool, err error) {
	h, raw, found, err := kv.ReadJSON[head](ctx, s.db, headKey(sha))
	if err != nil || !found {
		return contents{}, false, err
	}
	if c, ok := s.recent.get(sha, raw); ok {
		return c, false, nil
	}
	c = contents{head: h, raw: raw, found: true, packages: map[string]Package{}, owner: map[string]string{}}
	rows := map[string][]Package{}
	count := map[string]int{}
	for r, err := range s.db.Scan(ctx, commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			return c, false, err
		}
		id := publishOf(r.Sort)
		packages, err := decode(r)
		if err != nil {
			return c, false, err
		}
		rows[id] = append(rows[id], packages...)
		count[id]++
	}
	for _, p := range h.Publishes {
		if count[p.ID] != p.Rows {
			return contents{}, false, fault.New(fault.Unavailable, "commit %s is just being changed; send the request again", sha)
		}
		for _, pkg := range rows[p.ID] {
			pkg.SHA, pkg.Repository, pkg.ExpiresAt = sha, p.Repository, h.ExpiresAt
			c.packages[pkg.Name], c.owner[pkg.Name] = pkg, p.ID
		}
	}
	return c, true, nil
}

// maxRecent bounds the packages kept in memory by load.
const maxRecent = 20_000

// recent remembers commits that were read.
type recent struct {
	mu    sync.Mutex
	bySHA map[string]contents
	size  int // packages
}

func (r *recent) get(sha string, raw []byte) (contents, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.bySHA[sha]
	return c, ok && bytes.Equal(c.raw, raw)
}

func (r *recent) put(sha string, c contents) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bySHA == nil {
		r.bySHA = map[string]contents{}
	}
	r.drop(sha)
	for other := range r.bySHA { // any will do
		if r.size+len(c.packages) <= maxRecent {
			break
		}
		r.drop(other)
	}
	r.bySHA[sha] = c
	r.size += len(c.packages)
}

func (r *recent) drop(sha string) {
	r.size -= len(r.bySHA[sha].packages)
	delete(r.bySHA, sha)
}
