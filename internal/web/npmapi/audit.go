package npmapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of an audit, which nobody needs to sign in for. A few bytes of it,
// compressed, are many in memory until upstream has answered.
const (
	maxAudit     = 2 << 20 // bytes of the list of what is installed; of ten thousand packages it has half of one
	maxAudited   = 50_000  // names and versions in it
	auditsAtOnce = 32
	auditWait    = 10 * time.Second // for the turn, then for the list
)

// advisories answers npm's bulk audit.
func (s *site) advisories(w http.ResponseWriter, r *http.Request) error {
	turn := time.NewTimer(auditWait)
	defer turn.Stop()
	select {
	case s.audits <- struct{}{}:
		defer func() { <-s.audits }()
	case <-turn.C:
		return fault.New(fault.Unavailable, "too many audits at once; send the request again").WithCode("busy")
	case <-r.Context().Done():
		return context.Cause(r.Context())
	}
	body, err := httpkit.Body(w, r, maxAudit)
	if err != nil {
		return err
	}
	asked, err := readAudit(promptly{body, time.Now().Add(auditWait)})
	if err != nil {
		return err
	}
	found, err := s.Catalog.Advisories(r.Context(), s.root(r), asked)
	if err != nil {
		return err
	}
	if found == nil {
		found = map[string]json.RawMessage{}
	}
	return httpkit.JSON(w, r, http.StatusOK, found)
}

// promptly ends a body that comes too slowly, whose request takes others' turn.
type promptly struct {
	io.Reader
	until time.Time
}

func (p promptly) Read(b []byte) (int, error) {
	if time.Now().After(p.until) {
		return 0, fault.New(fault.Invalid, "the request's body did not come in %s", auditWait)
	}
	return p.Reader.Read(b)
}

// readAudit reads {"name": ["1.0.0", …], …} piece by piece: of a text that is
// refused no more than the beginning was ever decoded.
func readAudit(body io.Reader) (map[string][]string, error) {
	d := json.NewDecoder(body)
	asked := map[string][]string{}
	left := maxAudited
	err := delim(d, '{')
	for err == nil && d.More() {
		var name string
		if name, err = text(d, &left); err == nil {
			asked[name], err = texts(d, &left)
		}
	}
	if err == nil {
		err = delim(d, '}')
	}
	if err != nil {
		return nil, httpkit.JSONError(httpkit.JSONBody, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fault.New(fault.Invalid, "%s: something follows the JSON value", httpkit.JSONBody)
	}
	return asked, nil
}

// texts reads a list of strings.
func texts(d *json.Decoder, left *int) (list []string, err error) {
	for err = delim(d, '['); err == nil && d.More(); {
		var item string
		item, err = text(d, left)
		list = append(list, item)
	}
	if err == nil {
		err = delim(d, ']')
	}
	return list, err
}

// text reads a string, if one more is left.
func text(d *json.Decoder, left *int) (string, error) {
	if *left--; *left < 0 {
		return "", tooMany()
	}
	t, err := d.Token()
	s, ok := t.(string)
	if err == nil && !ok {
		err = errAudit
	}
	return s, err
}

var errAudit = errors.New(`it is not of the form {"name": ["1.0.0"]}`)

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = errAudit
	}
	return err
}

// quickAudit answers what npm 6 to 10 and pnpm 10 ask where bulk audits are missing.
func (s *site) quickAudit(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "this registry answers bulk audits only (/-/npm/v1/security/advisories/bulk); use npm 7, pnpm 11 or later")
}

func (s *site) keys(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.Catalog.Keys(r.Context())
	if err != nil {
		return err
	}
	if keys == nil {
		keys = []signature.Key{}
	}
	return s.json(w, r, map[string]any{"keys": keys})
}

func (s *site) attestations(w http.ResponseWriter, r *http.Request) error {
	spec := r.PathValue("spec")
	at := strings.LastIndexByte(spec, '@')
	if at <= 0 {
		return fault.New(fault.Invalid, "%.300q is not a package with a version; ask for {name}@{version}", cmp.Or(spec, "it"))
	}
	found, err := s.Catalog.Attestations(r.Context(), s.root(r), spec[:at], spec[at+1:])
	if err != nil {
		return err
	}
	return s.json(w, r, found)
}
