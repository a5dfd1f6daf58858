package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const (
	maxAdvisories = 20 << 20
	auditTime     = 10 * time.Second
)

// Advisories passes on POST /-/npm/v1/security/advisories/bulk. Nothing but the names and
// versions given goes out, and no other name comes back.
func (s *Service) Advisories(ctx context.Context, versions map[string][]string) (map[string]json.RawMessage, error) {
	if len(versions) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var body bytes.Buffer
	gz := gzip.NewWriter(&body)
	if err := errors.Join(json.NewEncoder(gz).Encode(versions), gz.Close()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	const path = "/-/npm/v1/security/advisories/bulk"
	header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	var answer map[string]json.RawMessage
	c := call{method: http.MethodPost, url: s.endpoint(path, path), header: header, body: body.Bytes(), slots: s.requests}
	status, err := s.json(ctx, c, maxAdvisories, &answer)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusGone:
		return nil, fault.New(fault.NotFound, "nothing was audited: upstream %s has no advisories (status %d); "+
			"audit with a registry that has them, by --registry, or set NPM_UPSTREAM to one", s.URL(), status)
	case status != http.StatusOK:
		return nil, s.unavailable(fmt.Errorf("audit: status %d", status))
	}
	for name := range answer {
		if _, asked := versions[name]; !asked {
			delete(answer, name)
		}
	}
	return answer, nil
}
