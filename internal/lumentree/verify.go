package lumentree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// VerifyOptions of a verification. The zero value works.
type VerifyOptions struct {
	Keys     []lumen.Key // pinned: no others are believed, and everything must be signed by one of them
	Seen     Seen        // the last checkpoint that was seen: no older one is believed
	Limits   lumen.Limits
	Now      func() time.Time
	Progress func(Progress) // told of steps; not by several goroutines at once
}

// Verification is what a verification found.
type Verification struct {
	Name      string      `json:"name"`
	Packages  int         `json:"packages"`
	Versions  int         `json:"versions"`
	Yanked    int         `json:"yanked"`
	Signed    int         `json:"signed"` // versions with a good signature
	Artifacts int         `json:"artifacts"`
	Bytes     int64       `json:"bytes"`              // of artifacts
	Sequence  int64       `json:"sequence,omitempty"` // of the checkpoint
	Root      string      `json:"root,omitempty"`     // likewise
	Expires   string      `json:"expires,omitempty"`
	UnderWay  bool        `json:"exportUnderWay,omitempty"` // an export is writing the tree, or was killed
	Keys      []lumen.Key `json:"keys"`
	Problems  []Problem   `json:"problems"`
	Notes     []string    `json:"notes,omitempty"`
}

// Problem is something that is wrong with a tree.
type Problem struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s (%s)", p.Path, p.Message, p.Code) }

// The codes of problems.
const (
	CodeMissing    = "missing"    // what is referred to is not there
	CodeUnreadable = "unreadable" // it is not the document it should be, or can't be fetched
	CodeIndex      = "index"      // indexes and versions don't agree
	CodeHash       = "hash"       // an artifact has other bytes
	CodeArchive    = "archive"    // an artifact is not what the client unpacks
	CodeManifest   = "manifest"   // lumen.toml says something else than the metadata
	CodeSignature  = "signature"  // no good signature
	CodeKey        = "key"        // a key that is not pinned
	CodeCheckpoint = "checkpoint" // the package indexes are not those that were signed
	CodeStale      = "stale"      // the checkpoint has expired
)

// maxProblems bounds a report.
const maxProblems = 10_000

// rounds is how often a tree that changes meanwhile is read.
const rounds = 4

// Verify reads a tree and checks what it says: hashes, sizes, manifests, signatures, and that the indexes are whole and the present
// ones. An error means that there was nothing to check.
func Verify(ctx context.Context, tree Tree, opt VerifyOptions) (Verification, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	v := &verifier{tree: tree, opt: opt, sound: map[string]packageResult{}, artifacts: map[string]artifactResult{}}
	for round := range rounds {
		if err := pause(ctx, retryWait*time.Duration(round)); err != nil {
			return v.result, err
		}
		if err := v.round(ctx); err != nil {
			return v.result, err
		}
		if len(v.result.Problems) == 0 {
			break
		}
		changed, err := v.changed(ctx)
		if err != nil {
			return v.result, err
		}
		if !changed {
			break
		}
	}
	return v.result, nil
}

// verifier is a verification. What was found good is not read again in the next round.
type verifier struct {
	tree   Tree
	opt    VerifyOptions
	result Verification
	heads  heads
	keys   lumen.Keys
	signed bool // everything must be
	steps  *steps

	mu        sync.Mutex
	sound     map[string]packageResult  // packages without problems, by name
	artifacts map[string]artifactResult // by URL and hash
}

func (v *verifier) problem(path, code, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.result.Problems) < maxProblems {
		v.result.Problems = append(v.result.Problems, Problem{path, code, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(v.result.Notes, text) && len(v.result.Notes) < maxProblems {
		v.result.Notes = append(v.result.Notes, text)
	}
}

// round reads the tree once.
func (v *verifier) round(ctx context.Context) error {
	v.result = Verification{Problems: []Problem{}, Keys: []lumen.Key{}}
	h, err := v.readHeads(ctx)
	if err != nil {
		return err
	}
	v.heads = h
	v.result.Name, v.result.UnderWay, v.result.Packages = h.index.Name, h.journal != nil, len(h.index.Packages)
	v.trust()
	v.checkHeads()
	v.steps = &steps{total: len(h.index.Packages), tell: v.opt.Progress}
	results := make([]packageResult, len(h.index.Packages))
	err = each(ctx, len(results), func(ctx context.Context, i int) error {
		results[i] = v.checkPackage(ctx, h.index.Packages[i])
		v.steps.add(h.index.Packages[i].Name)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	v.checkCheckpoint(results)
	v.sum(results)
	slices.SortFunc(v.result.Problems, compareProblems)
	slices.Sort(v.result.Notes)
	return nil
}

func (v *verifier) sum(results []packageResult) {
	for _, p := range results {
		v.result.Versions += p.versions
		v.result.Yanked += p.yanked
		v.result.Signed += p.signed
	}
	for _, a := range v.artifacts {
		v.result.Artifacts++
		v.result.Bytes += a.archive.SentSize
	}
	if v.result.UnderWay {
		v.note("an export is writing this tree, or was killed: run it again")
	}
	if unsigned := v.result.Versions - v.result.Signed; !v.signed && unsigned > 0 {
		v.note("nobody signed this tree (versions: %d): that it is whole says nothing of who made it", unsigned)
	}
}

// readDocument reads a document that must be there; nil after a problem.
func (v *verifier) readDocument(ctx context.Context, path string) []byte {
	text, err := readDocument(ctx, v.tree, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.problem(path, CodeMissing, "the file is not there")
	case err != nil:
		v.problem(path, CodeUnreadable, "%s", said(err))
	default:
		return text
	}
	return nil
}

// said is what an error says to users.
func said(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return err.Error()
}
