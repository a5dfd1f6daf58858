package zigapi

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/web/httpkit"
)

// What follows the ref in an address of the mirror.
const (
	archiveSuffix = ".tar.gz"
	infoSuffix    = ".json"
)

// defaultBranch is what Git calls the commit of a repository's default branch.
const defaultBranch = "HEAD"

// mirrored describes an archive of a forge.
type mirrored struct {
	URL          string        `json:"url"`
	Hash         string        `json:"hash"` // PackageHash or LegacyHash, as every compiler of Zig takes it
	PackageHash  string        `json:"packageHash,omitempty"`
	LegacyHash   string        `json:"legacyHash"`
	Name         string        `json:"name,omitempty"` // none without a build.zig.zon
	Version      string        `json:"version,omitempty"`
	Commit       string        `json:"commit,omitempty"` // that the forge says it is of
	FetchCommand string        `json:"fetchCommand"`     // of that commit, if it is known
	Dependency   string        `json:"dependency"`
	Source       string        `json:"source"` // URL of the forge's archive
	Warnings     []zig.Warning `json:"warnings"`
	Zig          []string      `json:"zig"`
	FetchedAt    string        `json:"fetchedAt"`
}

func (a *API) mirror(w http.ResponseWriter, r *http.Request) error {
	p := zigmirror.Place{Host: r.PathValue("host"), Owner: r.PathValue("owner"), Repo: r.PathValue("repo"), Ref: r.PathValue("ref")}
	if p.Host == "" {
		p.Host = zigmirror.GitHub
	}
	info, ok := asked(&p)
	if !ok {
		return httpkit.NotFound(r)
	}
	if a.Mirror == nil {
		return fault.New(fault.NotFound, "this server mirrors no archives of forges; its operator lists the hosts that it is to mirror with ZIG_MIRROR, such as github.com,codeberg.org").WithCode("mirror_off")
	}
	m, err := a.Mirror.Archive(r.Context(), p)
	if err != nil {
		return err
	}
	if m.Stale {
		w.Header()["Warning"] = []string{`110 - "Response is Stale"`, `111 - "Revalidation Failed"`} // RFC 7234 §5.5
	}
	if info {
		err = httpkit.JSON(w, r, http.StatusOK, a.renderMirrored(p, m.Info))
	} else {
		serveMirrored(w, r, p, m)
	}
	return errors.Join(err, m.File.Close())
}

// asked takes what is asked for off a place's ref: its archive, or what is known of it. A
// repository alone stands for what is known of its default branch.
func asked(p *zigmirror.Place) (info, ok bool) {
	if p.Ref == "" {
		p.Ref = defaultBranch + infoSuffix
	}
	if ref, ok := strings.CutSuffix(p.Ref, archiveSuffix); ok {
		p.Ref = ref
		return false, true
	}
	p.Ref, ok = strings.CutSuffix(p.Ref, infoSuffix)
	return true, ok
}

// serveMirrored sends the archive with the headers of every other, and its hashes.
func serveMirrored(w http.ResponseWriter, r *http.Request, p zigmirror.Place, m *zigmirror.Archive) {
	h := w.Header()
	if m.Info.Hash != "" {
		h.Set("X-Zig-Hash", m.Info.Hash)
	}
	h.Set("X-Zig-Legacy-Hash", m.Info.Legacy)
	name := m.Info.Name + "-" + m.Info.Version
	if m.Info.Name == "" {
		name = p.Repo + "-" + strings.ReplaceAll(p.Ref, "/", "-")
	}
	httpkit.Serve(w, r, httpkit.Content{
		Reader: m.File.File, Size: m.File.Size, ETag: m.Info.SHA256.Hex(),
		ContentType: "application/gzip", Filename: name + archiveSuffix, Cache: cacheOf(w, p.Fixed()),
	})
}

func (a *API) renderMirrored(p zigmirror.Place, i zigmirror.Info) mirrored {
	hash, _ := i.Best(i.Zig)
	hash = cmp.Or(hash, i.Legacy)
	pinned := p
	pinned.Ref = cmp.Or(i.Commit, p.Ref)
	at, key, save := a.mirrorURL(pinned), i.Name, "--save"
	if key == "" { // what has no name must be given one
		key, save = p.Repo, "--save="+p.Repo
	}
	out := mirrored{
		URL: a.mirrorURL(p), Hash: hash, PackageHash: i.Hash, LegacyHash: i.Legacy, Name: i.Name, Version: i.Version, Commit: i.Commit,
		FetchCommand: "zig fetch " + save + " " + at, Dependency: zig.Snippet(key, at, hash),
		Source: p.URL(), Warnings: i.Warnings, Zig: i.Zig, FetchedAt: isoTime(i.FetchedAt),
	}
	if out.Warnings == nil {
		out.Warnings = []zig.Warning{}
	}
	return out
}

// mirrorURL is where mirror serves a place.
func (a *API) mirrorURL(p zigmirror.Place) string {
	front := "mirror/" + p.Host
	if p.Host == zigmirror.GitHub {
		front = "gh"
	}
	return a.BaseURL + (&url.URL{Path: "/zig/" + front + "/" + p.Owner + "/" + p.Repo + "/" + p.Ref + archiveSuffix}).EscapedPath()
}
