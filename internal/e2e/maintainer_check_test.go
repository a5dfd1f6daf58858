package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/signature"
)

// packumentView is what clients need of a packument.
type packumentView struct {
	Tags     map[string]string `json:"dist-tags"`
	Time     map[string]string `json:"time"`
	Versions map[string]struct {
		Dist struct {
			Tarball, Integrity string
			Signatures         []signature.Signature
		}
	}
}

// check compares what the server has with what it has acknowledged, and repeats
// what it was killed in.
func (m *maintainer) check(t *testing.T, base string) {
	t.Helper()
	m.compare(t, base)
	if c := m.doubt; c != nil {
		m.doubt = nil
		if !m.do(t, base, *c) {
			t.Fatalf("the server ended at the repeated %s of %s@%s", c.kind, m.name, c.version)
		}
		m.compare(t, base)
	}
	for _, token := range m.tokens {
		if a := sendAs(t, token, http.MethodGet, base+"/-/whoami", nil); strings.TrimSpace(string(a.body)) != `{"username":"ci"}` {
			t.Errorf("a token that was acknowledged answers %d %s", a.status, a.body)
		}
	}
}

// doubtful reports whether a version's being there is not known.
func (m *maintainer) doubtful(version string) bool {
	return m.doubt != nil && m.doubt.version == version && m.doubt.kind != "tag"
}

func (m *maintainer) compare(t *testing.T, base string) {
	t.Helper()
	key := keysOf(t, base)[0]
	path := base + "/" + url.PathEscape(m.name)
	var p packumentView
	if a := send(t, http.MethodGet, path, nil); a.status != http.StatusNotFound || len(m.versions) > 0 {
		getJSON(t, path, http.StatusOK, &p)
	}
	for version, tgz := range m.versions {
		if _, ok := p.Versions[version]; !ok && !m.doubtful(version) {
			t.Errorf("%s@%s was acknowledged with %d bytes and is lost", m.name, version, len(tgz))
		}
	}
	for version := range p.Versions {
		if _, ok := m.versions[version]; !ok && !m.doubtful(version) {
			t.Errorf("%s@%s is there, but was not published", m.name, version)
		}
		m.verify(t, key, p, version)
	}
	absent := []string{"1.9999.0"}
	for version := range m.gone {
		absent = append(absent, version)
	}
	if m.doubt != nil {
		absent = append(absent, m.doubt.version)
	}
	for _, version := range absent {
		if _, ok := p.Versions[version]; !ok && version != "" {
			getJSON(t, path+"/-/"+m.file(version), http.StatusNotFound, nil)
			getJSON(t, path+"/"+version, http.StatusNotFound, nil)
		}
	}
	m.compareTags(t, base, p)
}

// verify checks a version as clients do: the bytes, their integrity, its signature.
func (m *maintainer) verify(t *testing.T, key signature.Key, p packumentView, version string) {
	t.Helper()
	dist, want := p.Versions[version].Dist, m.tarball(t, version)
	if a := send(t, http.MethodGet, dist.Tarball, nil); a.status != http.StatusOK || string(a.body) != want {
		t.Errorf("%s answers %d with %d bytes, want the %d that were published", dist.Tarball, a.status, len(a.body), len(want))
	}
	if dist.Integrity != integrityOf(want) {
		t.Errorf("%s@%s has the integrity %s", m.name, version, dist.Integrity)
	}
	if len(dist.Signatures) != 1 {
		t.Errorf("%s@%s has %d signatures", m.name, version, len(dist.Signatures))
		return
	}
	if err := key.Verify(dist.Signatures[0], m.name, version, dist.Integrity); err != nil {
		t.Error(err)
	}
	if p.Time[version] == "" {
		t.Errorf("%s@%s has no time", m.name, version)
	}
}

func (m *maintainer) compareTags(t *testing.T, base string, p packumentView) {
	t.Helper()
	beta := p.Tags["beta"]
	switch c := m.doubt; {
	case beta == m.beta:
	case c != nil && c.kind == "tag" && beta == c.version:
	case c != nil && c.kind == "unpublish" && m.beta == c.version && beta == "":
	default:
		t.Errorf("the dist-tag beta of %s points at %q, want %q", m.name, beta, m.beta)
	}
	for tag, version := range p.Tags {
		if _, ok := p.Versions[version]; !ok {
			t.Errorf("the dist-tag %s of %s points at %s, which is not there", tag, m.name, version)
		}
	}
	shown := m.searched(t, base)
	for began := time.Now(); shown != p.Tags["latest"] && time.Since(began) < patience; <-time.After(50 * time.Millisecond) {
		shown = m.searched(t, base) // the index follows within a moment
	}
	if shown != p.Tags["latest"] {
		t.Errorf("a search shows %s@%q, and its latest is %q", m.name, shown, p.Tags["latest"])
	}
}

// searched is the version that a search shows of the package.
func (m *maintainer) searched(t *testing.T, base string) string {
	t.Helper()
	var found struct {
		Objects []struct {
			Package struct{ Name, Version string }
		}
	}
	getJSON(t, base+"/-/v1/search?text="+url.QueryEscape(m.name), http.StatusOK, &found)
	for _, o := range found.Objects {
		if o.Package.Name == m.name {
			return o.Package.Version
		}
	}
	return ""
}
