package registry

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
)

const (
	stockCommentsFor = 30 * time.Second // for which the CLI waits
	maxTold          = 5                // pull requests
)

// stockComments writes the comments of what the stock CLI of pkg.pr.new has published; it returns the number of the first.
func (r *Registry) stockComments(ctx context.Context, c pkgprnewapi.Comment) (id int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, stockCommentsFor)
	defer cancel()
	for _, pull := range c.Run.Pulls[:min(maxTold, len(c.Run.Pulls))] {
		p := pullRequest{c.Run.Repository, pull.Number}
		res, err := r.comment(ctx, p, func(ctx context.Context) (*forge.Client, forge.Comment, error) {
			return r.stockComment(ctx, p, pull.Head, c)
		})
		if errors.Is(err, forge.ErrReadOnly) {
			err = fault.Wrap(err, fault.Forbidden, "the server's GitHub App or token may not write on pull request #%d of %s; it needs to write pull requests", p.number, p.path)
		}
		if err != nil {
			return id, err
		}
		if id == 0 {
			id = res.ID
		}
	}
	return id, nil
}

func (r *Registry) stockComment(ctx context.Context, p pullRequest, head forge.Head, c pkgprnewapi.Comment) (*forge.Client, forge.Comment, error) {
	commit, err := r.commits.Commit(ctx, c.SHA)
	if err != nil {
		return nil, forge.Comment{}, err
	}
	gh, err := r.forge.Client(ctx, "", p.path)
	if err != nil {
		return nil, forge.Comment{}, err
	}
	to := r.about(p, commit)
	to.JobURL, to.Managers, to.Dev = c.Run.Proof.RunURL, c.Managers, c.Dev
	for _, pkg := range commits.Of(p.path, commit.Packages) { // those of the run's other jobs too
		if pkg.Zig == nil && pkg.Lumen == nil && len(to.Packages) < maxCommented {
			to.Packages = append(to.Packages, r.stockPackage(ctx, p, pkg))
		}
	}
	r.compare(ctx, gh, &to, c.Run.Event, head)
	out := forge.Comment{
		Key: "pkg-pr-new", Body: report.Comment(to), State: forge.State{RunID: c.Run.ID, Attempt: c.Run.Attempt, SHA: commit.SHA},
	}
	if c.Anew {
		out.Mode = forge.Recreate
	}
	return gh, out, nil
}

// stockPackage describes a package as its package.json says; of one that can't be read it is taken that it depends on others
// by URL.
func (r *Registry) stockPackage(ctx context.Context, p pullRequest, pkg commits.Package) report.Package {
	out := report.Package{
		Name: pkg.Name, Version: pkg.Version, URL: r.config.BaseURL + "/commits/" + pkg.SHA + "/" + pkg.Name,
		InstallURL: r.config.BaseURL + "/" + p.path + "/" + pkg.Name + "@" + pkg.SHA, Size: pkg.Artifact.Size, Linked: true,
	}
	v, err := r.versionOf(ctx, pkg)
	if err != nil {
		r.config.Log.DebugContext(ctx, "reading a package for a comment", "package", pkg.Name, "commit", pkg.SHA, "err", err)
		return out
	}
	out.Linked = linked(v.Manifest)
	var bins map[string]json.RawMessage
	if json.Unmarshal(v.Manifest.Get("bin"), &bins) == nil {
		out.Bins = slices.Sorted(maps.Keys(bins))
	}
	return out
}

// versionOf reads the package.json of a package as npm does.
func (r *Registry) versionOf(ctx context.Context, pkg commits.Package) (v packument.Version, err error) {
	const name, limit = "package.json", 1 << 20
	archive := r.changes.Files.Archive(changeset.Source(r.commits, pkg))
	list, err := archive.List(ctx)
	if err != nil {
		return v, err
	}
	file, _ := list.Find(name)
	texts, err := archive.Read(ctx, limit, file)
	if err != nil {
		return v, err
	}
	return packument.FromArchive(packument.Archive{Manifest: texts[name]})
}

// linked reports whether clients install something by URL along with a package.
func linked(manifest packument.Object) bool {
	for _, field := range []string{"dependencies", "optionalDependencies", "peerDependencies"} {
		var specs map[string]string
		if json.Unmarshal(manifest.Get(field), &specs) != nil {
			continue
		}
		for _, spec := range specs {
			if strings.HasPrefix(spec, "https://") || strings.HasPrefix(spec, "http://") {
				return true
			}
		}
	}
	return false
}
