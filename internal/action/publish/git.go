package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// git asks the git program about a folder.
type git struct {
	dir string
	env []string // beside the process's own
}

const gitTimeout = 30 * time.Second

// run returns what git prints, without the space around it.
func (g git) run(ctx context.Context, args ...string) (string, error) {
	out, err := g.output(ctx, args...)
	return strings.TrimSpace(out), err
}

func (g git) output(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", g.dir}, args...)...)
	cmd.Env = append(os.Environ(), g.env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// head returns the commit that is checked out.
func (g git) head(ctx context.Context) (string, error) {
	sha, err := g.run(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fault.Wrap(err, fault.Invalid, "git is not installed, so the commit is not known; name it with --sha")
		}
		return "", fault.Wrap(err, fault.Invalid, "%s is not in a git repository with a commit, so the commit is not known; name it with --sha", g.dir)
	}
	return sha, nil
}

// origin returns the address of the remote "origin", "" if there is none or it
// is a folder, which says nothing about where the repository is at home.
func (g git) origin(ctx context.Context) string {
	remote, err := g.run(ctx, "remote", "get-url", "origin")
	// Of an address that is no folder, a colon comes before the first slash.
	if before, _, colon := strings.Cut(remote, ":"); err != nil || !colon || strings.Contains(before, "/") || before == "file" || len(before) == 1 {
		return ""
	}
	return withoutCredentials(remote)
}

// withoutCredentials takes user, password and query out of a URL: tools leave
// tokens there.
func withoutCredentials(remote string) string {
	scheme, rest, found := strings.Cut(remote, "://")
	if !found {
		return remote
	}
	rest, _, _ = strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + authority[strings.LastIndex(authority, "@")+1:] + "/" + path
}

// dirty returns the tracked files in the folder that differ from the commit and
// the files that git neither tracks nor ignores.
func (g git) dirty(ctx context.Context) ([]string, error) {
	out, err := g.run(ctx, "status", "--porcelain", "-z", "--", ".")
	if err != nil {
		return nil, err
	}
	var files []string
	for entry := range strings.SplitSeq(out, "\x00") {
		if entry != "" {
			files = append(files, entry)
		}
	}
	return files, nil
}

// tracked lists the files below the folder that git tracks, by their paths from it; those of
// submodules too, if wanted.
func (g git) tracked(ctx context.Context, submodules bool, pathspecs ...string) ([]string, error) {
	args := []string{"ls-files", "-z"}
	if submodules {
		args = append(args, "--recurse-submodules")
	}
	out, err := g.output(ctx, append(append(args, "--"), pathspecs...)...)
	if err != nil {
		return nil, err
	}
	files := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	return slices.Compact(files), nil // a file in conflict is listed once for each side
}

// parents returns the parents of a commit, also where a shallow clone has not got them.
func (g git) parents(ctx context.Context, sha string) []string {
	text, err := g.run(ctx, "cat-file", "commit", sha)
	if err != nil {
		return nil
	}
	return parentsOf(text)
}

// parentsOf returns the parents that a commit object names.
func parentsOf(object string) []string {
	var found []string
	for line := range strings.Lines(object) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			break // the message begins
		}
		if name == "parent" {
			found = append(found, value)
		}
	}
	return found
}

// line returns a commit and its first parents, and theirs, as far as they are here.
func (g git) line(ctx context.Context, sha string, most int) []string {
	out, err := g.run(ctx, "rev-list", "--first-parent", "--max-count="+strconv.Itoa(most), sha, "--")
	if err != nil {
		return nil
	}
	return strings.Fields(out)
}

// mergeBase returns the newest commit that is in the history of both, "" if git knows of none.
func (g git) mergeBase(ctx context.Context, a, b string) string {
	sha, err := g.run(ctx, "merge-base", "--", a, b)
	if err != nil {
		return ""
	}
	return sha
}

// trunk returns the default branch of the remote "origin", "" if it is not known.
func (g git) trunk(ctx context.Context) string {
	ref, err := g.run(ctx, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
	name, ok := strings.CutPrefix(ref, "refs/remotes/origin/")
	if err != nil || !ok {
		return ""
	}
	return name
}
