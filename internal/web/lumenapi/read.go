package lumenapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/httpkit"
)

func (a *API) index(w http.ResponseWriter, r *http.Request) error {
	return serveDocument(w, r, a.Packages.Index)
}

func (a *API) keys(w http.ResponseWriter, r *http.Request) error {
	return serveDocument(w, r, a.Packages.Keys)
}

func (a *API) checkpoint(w http.ResponseWriter, r *http.Request) error {
	return serveDocument(w, r, a.Packages.Checkpoint)
}

func (a *API) packageIndex(w http.ResponseWriter, r *http.Request) error {
	return serveDocument(w, r, func(ctx context.Context) (lumenpackages.Document, error) {
		return a.Packages.PackageIndex(ctx, r.PathValue("name"))
	})
}

func (a *API) metadata(w http.ResponseWriter, r *http.Request) error {
	return serveVersion(w, r, ".json", a.Packages.Metadata)
}

func (a *API) signature(w http.ResponseWriter, r *http.Request) error {
	return serveVersion(w, r, ".sig.json", a.Packages.Signature)
}

// serveVersion serves a document of the version that a file is named by.
func serveVersion(w http.ResponseWriter, r *http.Request, suffix string, read func(ctx context.Context, name, version string) (lumenpackages.Document, error)) error {
	version, ok := strings.CutSuffix(r.PathValue("file"), suffix)
	if !ok {
		return httpkit.NotFound(r)
	}
	return serveDocument(w, r, func(ctx context.Context) (lumenpackages.Document, error) {
		return read(ctx, r.PathValue("name"), version)
	})
}

// serveDocument sends a document as it is exported. It is asked for anew each time: a yank changes it.
func serveDocument(w http.ResponseWriter, r *http.Request, read func(context.Context) (lumenpackages.Document, error)) error {
	d, err := read(r.Context())
	if err != nil {
		return err
	}
	cache := w.Header().Get("Cache-Control") // set where only principals may read
	if cache == "" {
		cache = httpkit.Revalidate
	}
	httpkit.Serve(w, r, httpkit.Content{
		Reader: bytes.NewReader(d.Body), Size: int64(len(d.Body)), ETag: d.ETag, ContentType: "application/json", Cache: cache,
	})
	return nil
}

// artifactOf reads the digest that an artifact's address has, and the kind: "" if it has no suffix.
func artifactOf(r *http.Request) (d digest.SHA256, kind string, ok bool) {
	rest, kind, _ := strings.Cut(r.PathValue("file"), ".")
	text := r.PathValue("begin") + rest
	d, err := digest.Parse(text)
	known := kind == "tar" || kind == "tgz" || kind == "" && rest == r.PathValue("file")
	return d, kind, err == nil && known && d.Hex() == text && len(r.PathValue("begin")) == 2
}

func (a *API) artifact(w http.ResponseWriter, r *http.Request) error {
	d, kind, ok := artifactOf(r)
	if !ok {
		return httpkit.NotFound(r)
	}
	c, err := a.Packages.Artifact(r.Context(), d)
	if errors.Is(err, fault.NotFound) && r.Method == http.MethodHead {
		return a.staged(w, r, d, err)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	defer httpkit.CountDownload(a.Downloads, w, r, "lumen", c.Name, c.Version)
	if kind != "" && kind != c.Kind {
		return httpkit.NotFound(r)
	}
	httpkit.Serve(w, r, httpkit.Content{Reader: c.ReadSeekCloser, Size: c.Size, ETag: d.Hex(), ContentType: mediaTypes[c.Kind], Cache: access.Immutable(w)})
	return nil
}

// mediaTypes are those of the kinds of artifacts.
var mediaTypes = map[string]string{"tar": "application/x-tar", "tgz": "application/gzip"}
