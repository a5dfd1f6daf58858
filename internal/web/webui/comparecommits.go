package webui

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
)

// comparePage is the content of the page that compares two commits of a repository.
type comparePage struct {
	Repository, Home string
	From, To         side
	Changes          []changeRow
	Pager            pager
	Unchanged        int
	Swapped          string // the comparison the other way round
}

// side is one of two commits.
type side struct {
	commits.Listed
	Name   string // as people read it
	text   string // as the address has it: short digits could be something else
	Commit link
	Forge  string
}

// changeRow is a package that is not the same in both.
type changeRow struct {
	Name, Kind, URL      string
	Status               commits.ChangeKind
	Before, After, Grown string // sizes
	Diff                 string // the page of the files
}

// compareCommits is the page of what became of the packages between two commits.
func (u *UI) compareCommits(w http.ResponseWriter, r *http.Request) error {
	from, to, err := u.sides(r)
	if err != nil {
		return err
	}
	repo := to.Repository
	page := comparePage{
		Repository: repo.Path, Home: repositoryPath(repo.Path), From: from.side, To: to.side,
		Swapped: comparePath(repo.Path, escapePath(to.text), escapePath(from.text)),
	}
	changes := commits.Compare(from.packages, to.packages)
	all := len(changes)
	changes = slices.DeleteFunc(changes, func(c commits.Change) bool { return c.Kind() == commits.Same })
	page.Unchanged = all - len(changes)
	changes, page.Pager = part(r, changes, maxRows)
	for _, c := range changes {
		page.Changes = append(page.Changes, changeRowOf(repo.Path, c))
	}
	return u.render(w, r, http.StatusOK, "compare", Page{Title: "Compare " + page.From.Name + " with " + page.To.Name + " of " + repo.Path, Data: page})
}

// compared is a side with its packages.
type compared struct {
	side
	packages []commits.Package
}

// sides reads the two commits that an address names.
func (u *UI) sides(r *http.Request) (from, to compared, err error) {
	a, b, ok := strings.Cut(r.PathValue("range"), "...")
	if !ok || a == "" || b == "" {
		return from, to, noSuchRange(r.PathValue("range"))
	}
	if from, err = u.side(r.Context(), repositoryOf(r), a); err == nil {
		to, err = u.side(r.Context(), repositoryOf(r), b)
	}
	return from, to, err
}

func (u *UI) side(ctx context.Context, repository, name string) (compared, error) {
	pointer, err := commits.ParsePointer(name)
	if err != nil {
		return compared{}, err
	}
	sha, err := u.Commits.Point(ctx, repository, pointer)
	if err != nil {
		return compared{}, err
	}
	c, err := u.Commits.Commit(ctx, sha)
	if err != nil {
		return compared{}, err
	}
	packages := commits.Of(repository, c.Packages)
	if len(packages) == 0 { // then a fork may propose them
		packages = commits.Proposed(repository, c.Packages)
	}
	if len(packages) == 0 {
		return compared{}, fault.New(fault.NotFound, "commit %s has no packages of %.200s", sha, repository)
	}
	repo := packages[0].Repository.Base()
	s := side{Name: name, text: name, Commit: commitLink(sha), Forge: forgeURL(repo, forgeCommit, sha)}
	s.Listed = commits.Listed{SHA: sha, Repository: repo, PublishedAt: c.PublishedAt, ExpiresAt: c.ExpiresAt}
	if strings.EqualFold(name, sha) {
		s.Name = shortSHA(sha)
	}
	return compared{s, packages}, nil
}

func changeRowOf(repository string, c commits.Change) changeRow {
	row := changeRow{Status: c.Kind(), Grown: formatGrowth(c)}
	for _, p := range []*commits.Package{c.Before, c.After} { // the later one names it
		if p != nil {
			row.Name, row.Kind, row.URL = shownName(*p), kindOf(*p), packagePath(*p)
		}
	}
	if c.Before != nil {
		row.Before = formatBytes(c.Before.Artifact.Size)
	}
	if c.After != nil {
		row.After = formatBytes(c.After.Artifact.Size)
	}
	if c.Before != nil && c.After != nil {
		row.Diff = packagePath(*c.After) + "/diff/" + c.Before.SHA
	}
	return row
}

// sortedByName lists changes by the names of their packages.
func sortedByName(changes map[string]commits.Change) []commits.Change {
	return slices.SortedFunc(maps.Values(changes), func(a, b commits.Change) int { return strings.Compare(a.Name, b.Name) })
}

// isGone reports whether an error says that something is not here.
func isGone(err error) bool { return errors.Is(err, fault.NotFound) }
