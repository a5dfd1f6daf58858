package webui

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/format/packument"
)

// packageHead is what every page of an npm package begins with.
type packageHead struct {
	Name, Version, Home, At string
	Tab                     string // "readme", "versions", …
	Description             string
	Tags                    []string // that name this version
	Latest                  string   // another version, which is the latest; else empty
	Deprecated              string
	Upstream, Restricted    bool
}

// packagePage is the content of the page of an npm package.
type packagePage struct {
	packageHead
	Readme                       readmeView
	Install                      []command
	Settings                     string // of .npmrc
	License                      string
	Homepage, Repository, Issues string // links
	Keywords                     []string
	Published                    time.Time
	Publisher                    string
	Owners                       []string
	Size, Unpacked               int64
	FileCount                    int
	Integrity, Shasum, Tarball   string
	Signatures                   []signed
	Provenance                   string // its kind; empty: none
	ProvenanceURL                string
	Origin                       *origin // nil: no CI run has proven that it made this
	Scripts                      bool    // it runs scripts when it is installed
	All, This                    *chart
}

// signed is a signature of a version.
type signed struct {
	KeyID   string
	Checked bool // the key is known
	Good    bool
}

func (u *UI) head(s *subject, tab string) packageHead {
	h := packageHead{
		Name: s.Name, Version: s.version(), Home: s.home(), At: s.at(), Tab: tab,
		Description: shorten(s.Manifest.Text("description"), 500), Deprecated: shorten(s.Deprecated, 1000), Upstream: s.ours == nil,
	}
	if s.ours != nil {
		h.Restricted = s.ours.Restricted
	}
	for _, tag := range slices.Sorted(maps.Keys(s.tags)) {
		if s.tags[tag] == s.version() && len(h.Tags) < maxRows {
			h.Tags = append(h.Tags, tag)
		}
	}
	if latest := s.tags[latestTag]; latest != s.version() {
		h.Latest = latest
	}
	return h
}

// page is the layout around the content of a package's page.
func (h packageHead) page(data any) Page {
	return Page{Title: h.Name + " " + h.Version, Description: h.Description, Data: data}
}

// packageReadme is the page of a package, of its latest version unless the address names another.
func (u *UI) packageReadme(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	p := packagePage{packageHead: u.head(s, "readme"), Published: s.PublishedAt, Scripts: s.InstallScript}
	p.Install, p.Settings = u.installRelease(s)
	p.Origin = originOf(s.Proof)
	p.describe(s.Manifest)
	p.stored(s)
	p.Signatures = u.signatures(ctx, s)
	if p.Readme, err = u.readmeOf(ctx, u.archive(s)); err != nil {
		if ctx.Err() != nil {
			return err
		}
		u.Log.WarnContext(ctx, "reading a package for its page", "package", s.Name, "version", s.version(), "err", err)
		p.Readme = readmeView{Note: "The files of this version can't be read at the moment."}
	}
	if s.ours != nil {
		p.Owners = s.ours.Owners[:min(len(s.ours.Owners), maxRows)]
	}
	p.All = u.chartOf(ctx, "Downloads of all versions", s.Name, "", stats.NPM)
	p.This = u.chartOf(ctx, "Downloads of "+s.version(), s.Name, s.version(), stats.NPM)
	return u.render(w, r, http.StatusOK, "package", p.page(p))
}

// describe takes what a manifest says, as far as it can be shown.
func (p *packagePage) describe(m packument.Object) {
	p.License = shorten(licence(m), 100)
	p.Homepage = webURL(m.Text("homepage"))
	p.Repository = repositoryURL(cmp.Or(m.Text("repository"), memberOf(m, "repository", "url")))
	p.Issues = webURL(cmp.Or(m.Text("bugs"), memberOf(m, "bugs", "url")))
	if json.Unmarshal(m.Get("keywords"), &p.Keywords) != nil {
		p.Keywords = nil
	}
	p.Keywords = p.Keywords[:min(len(p.Keywords), 30)]
}

// stored takes what is known of the tarball.
func (p *packagePage) stored(s *subject) {
	p.Integrity, p.Shasum, p.Tarball = s.Dist.Integrity, s.Dist.Shasum, webURL(s.Dist.Tarball)
	p.Unpacked, p.FileCount, p.Size = s.Dist.UnpackedSize, s.Dist.FileCount, s.stored.Size
	if s.ours != nil {
		p.Unpacked, p.FileCount = s.stored.Unpacked, s.stored.Files
	}
	if s.Publisher != nil {
		p.Publisher = s.Publisher.Name
	}
	attested, err := packument.ParseObject(s.Dist.Attestations)
	if err != nil {
		return
	}
	p.Provenance = cmp.Or(memberOf(attested, "provenance", "predicateType"), "of an unknown kind")
	p.ProvenanceURL = "/-/npm/v1/attestations/" + escapePath(s.Name) + "@" + escapePath(s.version())
}

func memberOf(o packument.Object, key, member string) string {
	inner, err := packument.ParseObject(o.Get(key))
	if err != nil {
		return ""
	}
	return inner.Text(member)
}

// licence is an SPDX expression, or what older manifests have in its place.
func licence(m packument.Object) string {
	return cmp.Or(m.Text("license"), memberOf(m, "license", "type"))
}

// repositoryURL is where a browser finds a repository that a manifest names as git does, or in npm's short form.
func repositoryURL(text string) string {
	for _, short := range []string{"github", "gitlab", "bitbucket"} {
		if path, ok := strings.CutPrefix(text, short+":"); ok {
			host := map[string]string{"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}[short]
			return webURL("https://" + host + "/" + path)
		}
	}
	if path, ok := strings.CutPrefix(strings.TrimPrefix(text, "git+"), "ssh://git@"); ok {
		text = "https://" + path
	} else if path, ok := strings.CutPrefix(text, "git://"); ok {
		text = "https://" + path
	}
	return strings.TrimSuffix(webURL(text), ".git")
}

// slowKeys is how long a page waits for the keys of signatures.
const slowKeys = time.Second

// signatures checks the registry's signatures of a version with the keys that clients get.
func (u *UI) signatures(ctx context.Context, s *subject) []signed {
	if len(s.Dist.Signatures) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, slowKeys)
	defer cancel()
	keys, err := u.Catalog.Keys(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		u.Log.WarnContext(ctx, "reading the keys of signatures", "err", err)
	}
	var all []signed
	for _, sig := range s.Dist.Signatures[:min(len(s.Dist.Signatures), 10)] {
		one := signed{KeyID: shorten(sig.KeyID, 100)}
		for _, k := range keys {
			if k.KeyID == sig.KeyID {
				one.Checked, one.Good = true, one.Good || k.Verify(sig, s.Name, s.version(), s.Dist.Integrity) == nil
			}
		}
		all = append(all, one)
	}
	return all
}
