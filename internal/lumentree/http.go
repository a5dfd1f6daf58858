package lumentree

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

// The times that a server has.
const (
	headerTimeout = time.Minute
	fileTimeout   = 30 * time.Minute // a large archive over a slow line
)

const (
	getTries    = 3
	gets        = 2 * atOnce // under way at the same time
	getsWaiting = 1024
)

// The bounds of a listing.
const (
	maxFiles = 20_000_000
	maxLine  = 16 << 10 // bytes
)

// Site is a Tree over HTTP, static or a server's. What it redirects to must be on its own host or on the public internet.
type Site struct {
	base  *url.URL
	token string
	guard *egress.Guard
	get   egress.Client
	slots egress.Slots
}

// OpenSite returns the tree below a URL, which may be that of a private host. The token, if there is one, is sent along, and to no
// other host. The caller closes it.
func OpenSite(base, token string) (*Site, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fault.New(fault.Invalid, "%q is not the URL of a registry; expected https://host/path with no user, query or fragment", base)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	guard := egress.NewGuard(egress.Default(), u, gets)
	return &Site{base: u, token: token, guard: guard, get: egress.Client{Guard: guard, Timeout: headerTimeout}, slots: egress.NewSlots(gets, getsWaiting)}, nil
}

// Close lets go of idle connections.
func (s *Site) Close() error {
	s.guard.CloseIdle()
	return nil
}

// URL is that of a path.
func (s *Site) URL(path string) string {
	u := *s.base
	u.Path += "/" + path
	return u.String()
}

// Open asks for a file.
func (s *Site) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	target := *s.base
	target.Path += "/" + path
	header := http.Header{"Accept-Encoding": {"identity"}} // digests are of the bytes as they are stored
	if s.token != "" {
		header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.get.Do(ctx, egress.Request{URL: &target, Header: header, Tries: getTries, Slots: s.slots})
	if err != nil {
		defer cancel()
		return nil, s.unreachable(ctx, err, path)
	}
	if err := refusal(resp, s.URL(path)); err != nil {
		cancel()
		return nil, errors.Join(err, resp.Body.Close())
	}
	return &body{resp.Body, cancel}, nil
}

// unreachable is the error of a request that got no answer.
func (s *Site) unreachable(ctx context.Context, err error, path string) error {
	if ctx.Err() != nil {
		return err
	}
	if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
		return fault.Wrap(err, fault.Upstream, "%s leads to %s, where no request is sent: %s", s.URL(path), refused.Host, refused.Why)
	}
	return fault.Wrap(err, fault.Upstream, "%s can't be fetched; does a server answer there?", s.URL(path))
}

func refusal(resp *http.Response, url string) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w", url, fs.ErrNotExist)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.New(fault.Forbidden, "%s answers with the status %d; give a token that may read, with --token", url, resp.StatusCode)
	}
	return fault.New(fault.Upstream, "%s answers with the status %d", url, resp.StatusCode)
}

// body ends its request when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// Files asks a server for the listing of its tree.
func (s *Site) Files(ctx context.Context) (files []File, err error) {
	r, err := s.Open(ctx, listingPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.NotFound, "%s is not there; an export needs a registry-server of this version and the URL of its /lumen/", s.URL(listingPath))
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return parseListing(r)
}

// listingPath is where a server lists its tree: a JSON object per line, in the order of an export.
const listingPath = "files.ndjson"

func parseListing(r io.Reader) ([]File, error) {
	var files []File
	seen := map[string]File{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var f File
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Size < 0 || f.Digest.IsZero() {
			return nil, fault.Wrap(err, fault.Upstream, "line %d of the registry's listing is not {path, digest, size}", len(files)+1)
		}
		if _, err := stageOf(f.Path); err != nil {
			return nil, err
		}
		if before, twice := seen[f.Path]; twice && before == f {
			continue // versions may share an archive
		} else if twice || len(files) == maxFiles {
			return nil, fault.New(fault.Upstream, "the registry lists %.200q with two contents, or more than %d files", f.Path, maxFiles)
		}
		seen[f.Path] = f
		files = append(files, f)
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(err, fault.Upstream, "the registry's listing ended early; try again")
	}
	if len(files) == 0 || files[len(files)-1].Path != "index.json" {
		return nil, fault.New(fault.Upstream, "the registry's listing does not end with index.json: it was cut off; try again")
	}
	return files, nil
}
