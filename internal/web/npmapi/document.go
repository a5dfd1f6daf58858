package npmapi

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/jsonstream"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxText bounds the JSON of a request without its tarballs, in bytes: a
// packument that comes back to be changed has all that is known of a package.
const maxText = 20 << 20

// maxPacked is maxText of a request that came compressed.
const maxPacked = 4 << 20

// document is the body of PUT /{name}: a publish, or a packument that comes back
// changed. The archive decides what a version is; of what is said beside it only
// what it can't say is read.
type document struct {
	ID          string              `json:"_id"`
	Rev         string              `json:"_rev"`
	Name        string              `json:"name"`
	DistTags    object[string]      `json:"dist-tags"`
	Versions    object[release]     `json:"versions"`
	Attachments object[attachment]  `json:"_attachments"`
	Access      string              `json:"access"`
	Readme      json.RawMessage     `json:"readme"`
	Users       object[bool]        `json:"users"`
	Maintainers list[documentOwner] `json:"maintainers"`
}

type release struct {
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Readme      json.RawMessage `json:"readme"`
	Deprecated  json.RawMessage `json:"deprecated"`
	GitHead     json.RawMessage `json:"gitHead"`
	NodeVersion json.RawMessage `json:"_nodeVersion"`
	NPMVersion  json.RawMessage `json:"_npmVersion"`
	Dist        struct {
		Integrity string `json:"integrity"`
		Shasum    string `json:"shasum"`
	} `json:"dist"`
}

// attachment is a tarball, whose data has become the index of its upload, or a
// sigstore bundle, whose data is its text.
type attachment struct {
	Data   json.RawMessage `json:"data"`
	Length int64           `json:"length"`
}

type documentOwner struct {
	Name string `json:"name"`
}

const bundleSuffix = ".sigstore"

// uploads are the tarballs that came with a request.
type uploads struct {
	site *site
	who  auth.Principal
	max  int
	list []*packages.Upload
}

func (u *uploads) close() {
	for _, up := range u.list {
		if err := up.Close(); err != nil {
			u.site.Log.Warn("removing an upload's file", "err", err)
		}
	}
}

// read reads a JSON body whose attachments lie at depth members below its top.
func (u *uploads) read(w http.ResponseWriter, r *http.Request, depth int, v any) error {
	// base64 needs four bytes for three.
	body, err := httpkit.Body(w, r, min(int64(u.max)*u.site.MaxPackage, u.site.MaxPublish)/3*4+2*maxText)
	if err != nil {
		return err
	}
	place := func(names []string) bool {
		return len(names) == depth+2 && names[depth] == "_attachments" && !strings.HasSuffix(names[depth+1], bundleSuffix)
	}
	limit := int64(maxText)
	if r.Header.Get("Content-Encoding") != "" { // then a few bytes could be all of it; no client compresses a publish
		limit = maxPacked
	}
	text, err := jsonstream.ExtractWhere(body, "data", place, limit, func(tarball io.Reader) (any, error) {
		if len(u.list) == u.max {
			return nil, fault.New(fault.Invalid, "the request has more than %d tarballs in _attachments; publish one version at a time", u.max)
		}
		up, err := u.site.Packages.Receive(r.Context(), u.who, tarball)
		if err != nil {
			return nil, err
		}
		u.list = append(u.list, up)
		return len(u.list) - 1, nil
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return httpkit.JSONError(httpkit.JSONBody, err)
	}
	return nil
}

// named checks that the body is of the package that the address names.
func (d *document) named(name string) error {
	for _, said := range []string{d.Name, d.ID} {
		if said != "" && said != name {
			return fault.New(fault.Invalid, "the address names package %.230q, the body %.230q", name, said)
		}
	}
	return nil
}

// release makes the version to publish of a document with attachments.
func (d *document) release(name string, up *uploads) (packages.Release, error) {
	if err := d.named(name); err != nil {
		return packages.Release{}, err
	}
	if len(d.Versions) != 1 {
		return packages.Release{}, fault.New(fault.Invalid, "a publish has exactly one version in \"versions\", this one has %d", len(d.Versions))
	}
	version := slices.Collect(maps.Keys(d.Versions))[0]
	v := d.Versions[version]
	if v.Name != "" && v.Name != name || v.Version != "" && v.Version != version {
		return packages.Release{}, fault.New(fault.Invalid, "the body has %.230q %.260q as version %.260q of %q; they must be the same", v.Name, v.Version, version, name)
	}
	rel := packages.Release{
		Name: name, Version: version, Integrity: v.Dist.Integrity, Shasum: v.Dist.Shasum,
		Readme: readme(v.Readme, d.Readme), Extra: v.extra(), Access: d.Access,
	}
	for tag, target := range d.DistTags {
		if target != version {
			return rel, fault.New(fault.Invalid, "dist-tag %.230q is to point at %.260q, but a publish tags only its own version %s; use npm dist-tag", tag, target, version)
		}
		rel.Tags = append(rel.Tags, tag)
	}
	slices.Sort(rel.Tags)
	return rel, d.attach(&rel, up)
}

// attach finds the tarball and the provenance among the attachments.
func (d *document) attach(rel *packages.Release, up *uploads) error {
	for file, a := range d.Attachments {
		if strings.HasSuffix(file, bundleSuffix) {
			text, ok := jsonText(a.Data)
			if !ok || rel.Provenance != nil || !json.Valid([]byte(text)) {
				return fault.New(fault.Invalid, "attachment %.260q is to be one sigstore bundle, a JSON text as a string", file)
			}
			rel.Provenance = json.RawMessage(text)
			continue
		}
		var index int
		if rel.Upload != nil || json.Unmarshal(a.Data, &index) != nil || index < 0 || index >= len(up.list) {
			return fault.New(fault.Invalid, "attachment %.260q is to be the one tarball of the publish, as base64 text in \"data\"", file)
		}
		rel.Upload = up.list[index]
		if size := rel.Upload.Summary.Size; a.Length != 0 && a.Length != size {
			return fault.New(fault.Invalid, "attachment %.260q has %d bytes, but its \"length\" says %d; it was cut or changed on its way", file, size, a.Length).WithCode("length_mismatch")
		}
	}
	if rel.Upload == nil {
		return fault.New(fault.Invalid, "the publish of %s@%s has no tarball in \"_attachments\"", rel.Name, rel.Version)
	}
	return nil
}

// noReadme is what npm sends for a package without one.
const noReadme = "ERROR: No README data found!"

func readme(texts ...json.RawMessage) string {
	for _, raw := range texts {
		if text, _ := jsonText(raw); text != "" && text != noReadme {
			return text
		}
	}
	return ""
}

func (v release) extra() packument.Object {
	var o packument.Object
	for _, m := range []packument.Member{{Key: "gitHead", Value: v.GitHead}, {Key: "_nodeVersion", Value: v.NodeVersion}, {Key: "_npmVersion", Value: v.NPMVersion}} {
		if text, ok := jsonText(m.Value); ok && len(text) <= 100 {
			o = append(o, m)
		}
	}
	return o
}

// jsonText reads a value that is a string.
func jsonText(raw json.RawMessage) (text string, ok bool) {
	var p *string
	if json.Unmarshal(raw, &p) != nil || p == nil {
		return "", false
	}
	return *p, true
}
