package npmapi

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/web/httpkit"
)

// packument is what clients ask for most: it allocates little.
func (s *site) packument(w http.ResponseWriter, r *http.Request) error {
	form := packument.Full
	if httpkit.Prefers(r, packument.AbbreviatedType, packument.FullType) {
		form = packument.Abbreviated
	}
	doc, err := s.Catalog.Packument(r.Context(), s.root(r), r.PathValue("name"), form, aboutToWrite(r))
	if err != nil {
		return err
	}
	gzip := httpkit.AcceptsGzip(r)
	body, err := doc.Body(r.Context(), gzip)
	if err != nil {
		return err
	}
	defer body.Close()

	h, own := w.Header(), []string{`"` + body.ETag + `"`, strconv.FormatInt(body.Size, 10)}
	h["Vary"] = s.headers.vary
	h["Cache-Control"] = s.headers.revalidate
	h["Etag"] = own[:1:1]
	if doc.Stale {
		h["Warning"] = s.headers.stale
	}
	if httpkit.Matches(r, body.ETag) {
		return notModified(w)
	}
	h["Content-Type"] = s.headers.full
	if doc.Form == packument.Abbreviated {
		h["Content-Type"] = s.headers.abbreviated
	}
	if gzip {
		h["Content-Encoding"] = s.headers.gzip
	}
	h["Content-Length"] = own[1:]
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	return copyBody(w, body)
}

func copyBody(w io.Writer, b *catalog.Body) error {
	if b.File == nil {
		_, err := w.Write(b.Bytes)
		return err
	}
	_, err := io.Copy(w, b.File)
	return err
}

// aboutToWrite reports whether the client says that it reads in order to change.
func aboutToWrite(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "write") && r.URL.Query().Get("write") == "true"
}

func (s *site) version(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Catalog.Version(r.Context(), s.root(r), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	return s.json(w, r, found.Version)
}

// reserved answers below /-/ what a package's version would be elsewhere.
func (s *site) reserved(_ http.ResponseWriter, r *http.Request) error { return httpkit.NotFound(r) }
