package npmapi

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/web/httpkit"
)

// tarballType is what every client takes; none of them looks at it.
const tarballType = "application/octet-stream"

// tarball sends a tarball as it is: with a Content-Encoding clients would hash other bytes.
func (s *site) tarball(w http.ResponseWriter, r *http.Request) error {
	t, err := s.Catalog.Tarball(r.Context(), s.root(r), r.PathValue("name"), baseName(r.PathValue("file")), r.Method == http.MethodHead)
	if err != nil {
		return err
	}
	defer t.Close()
	c := httpkit.Content{Reader: t.File, Size: t.Size, ETag: t.ETag, ContentType: tarballType, Cache: s.headers.immutable}
	if t.File == nil {
		return httpkit.Stream(w, r, t.Stream, c)
	}
	httpkit.Serve(w, r, c)
	return nil
}

// baseName is the conventional file of "@s/n-1.0.0.tgz", as npm names its attachments.
func baseName(file string) string { return file[strings.LastIndexByte(file, '/')+1:] }
