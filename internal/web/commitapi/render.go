package commitapi

import (
	"net/url"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/wire"
)

func (a *API) render(p commits.Package) wire.CommitPackage {
	origin := a.origin()
	out := wire.CommitPackage{
		Name: p.Name, SHA: p.SHA, Version: p.Version, Repository: p.Repository.Base().String(), PackageDir: p.Dir,
		Sums: p.Artifact.Sums, Size: p.Artifact.Size, UnpackedSize: p.Artifact.Unpacked, FileCount: p.Artifact.Files,
		PublishedAt: p.PublishedAt, Publisher: p.Publisher, Provenance: p.Proof, ExpiresAt: p.ExpiresAt,
		URL: origin + a.tarballPath(p), TarballURL: origin + a.tarballPath(p),
		InstallURL: origin + a.shortPath(p.Repository.Base().Path, p), InstallScripts: p.InstallScripts(), Fork: p.FromFork(),
	}
	if r := p.Artifact.Recipe; r != nil {
		out.Parts = &wire.PackageParts{Head: r.Head.Digest, Body: r.Body.Digest, Holes: r.Holes}
	}
	switch {
	case p.Zig != nil:
		describeZig(&out, p)
	case p.Lumen != nil:
		describeLumen(&out, p)
	}
	return out
}

// previewRegistry is the root at which npm's clients find the packages of a publish; "" if there is none that lists one.
func (a *API) previewRegistry(packages []commits.Package) string {
	for _, p := range packages {
		if path := npm.PreviewPath(p.Repository.Path); p.IsPreview() && path != "" {
			return a.BaseURL + path + "/"
		}
	}
	return ""
}

// origin is the base URL without its path.
func (a *API) origin() string { return a.BaseURL[:len(a.BaseURL)-len(a.prefix())] }

// prefix is the path that a proxy puts in front of ours, usually empty.
func (a *API) prefix() string {
	u, err := url.Parse(a.BaseURL)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

func (a *API) tarballPath(p commits.Package) string {
	return a.prefix() + "/commits/" + p.SHA + "/" + escapeName(p.Name) + "/tarball"
}

// shortPath is the install URL of a package. Behind a repository a short SHA of
// digits alone may be a pull request.
func (a *API) shortPath(repository string, p commits.Package) string {
	if to, err := commits.ParsePointer(p.SHA); err != nil || len(to.Refs) > 0 {
		repository = ""
	}
	if repository != "" {
		repository += "/"
	}
	return a.prefix() + "/" + repository + escapeName(p.Name) + "@" + p.SHA
}
