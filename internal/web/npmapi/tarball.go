package npmapi

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/web/httpkit"
)

// tarballType is what every client takes; none of them looks at it.
const tarballType = "application/octet-stream"

// tarball sends a tarball as it is: with a Content-Encoding clients would hash other bytes.
func (s *site) tarball(w http.ResponseWriter, r *http.Request) error {
	open := func(want catalog.Want) (*catalog.Tarball, error) {
		return s.Catalog.Tarball(r.Context(), s.root(r), r.PathValue("name"), baseName(r.PathValue("file")), want)
	}
	want := catalog.Want{Head: r.Method == http.MethodHead}
	if httpkit.Linkable(r) {
		want.Link = &catalog.Link{ContentType: tarballType}
	}
	t, err := open(want)
	if err == nil {
		defer httpkit.CountDownload(s.Downloads, w, r, string(t.Origin), r.PathValue("name"), t.Version)
	}
	if err == nil && t.URL != "" {
		if httpkit.Link(w, r, s.BaseURL, t.URL) {
			return nil
		}
		t, err = open(catalog.Want{})
	}
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
