package publish

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// mergeFile is where pack leaves the merge commit for a publish in another job, which has no checkout.
const mergeFile = "merge-commit"

// maxCommit bounds a commit object, in bytes.
const maxCommit = 64 << 10

// mergeProof is the merge commit that a pull request's run is about, in base64, or "". The registry
// knows its hash, which the CI vouches for; by its second parent it knows the head.
func (j *job) mergeProof(ctx context.Context) (string, error) {
	if j.event.MergeSHA == "" {
		return "", nil
	}
	object, err := git{dir: j.opt.Dir}.commit(ctx, j.event.MergeSHA)
	if err != nil {
		j.streams.Log.DebugContext(ctx, "the checkout does not have the merge commit", "err", err)
		object, err = j.mergeHandedOn()
	}
	if err == nil && object == nil {
		object = j.fetched(ctx)
	}
	if err != nil || object == nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(object), nil
}

// mergeHandedOn is the merge commit that pack has left, nil if it has not.
func (j *job) mergeHandedOn() ([]byte, error) {
	object, path, err := j.handedOn()
	if err == nil && object != nil && !isCommit(object, j.event.MergeSHA) {
		j.warn("%s is not the commit %s that this run is about, so it is not shown to the registry", path, j.event.MergeSHA)
		return nil, nil
	}
	return object, err
}

// handedOn is what pack has left as the merge commit beside the tarballs, nil if nothing, and where it lies. Nothing says
// yet that it is the merge commit.
func (j *job) handedOn() (object []byte, path string, err error) {
	tarballs, _, err := j.splitPaths()
	if err != nil || len(tarballs) == 0 {
		return nil, "", err
	}
	path = filepath.Join(filepath.Dir(tarballs[0]), mergeFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, path, nil
	}
	if err != nil {
		return nil, path, err
	}
	defer f.Close()
	object, err = io.ReadAll(io.LimitReader(f, maxCommit+1))
	if err != nil {
		return nil, path, fmt.Errorf("reading the merge commit: %w", err)
	}
	return object, path, nil
}

// fetched is the merge commit as the forge has it, for a checkout of the head alone; nil if it can't be had.
func (j *job) fetched(ctx context.Context) []byte {
	dir := filepath.Join(j.temp, "merge.git")
	g := git{dir: dir, env: append(j.gitLogin(), "GIT_TERMINAL_PROMPT=0")}
	_, err := git{dir: j.temp}.run(ctx, "init", "--quiet", "--bare", dir)
	if err == nil {
		_, err = g.run(ctx, "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0", j.event.ServerURL+"/"+j.event.Repository, j.event.MergeSHA)
	}
	var object []byte
	if err == nil {
		object, err = g.commit(ctx, j.event.MergeSHA)
	}
	if err != nil {
		j.streams.Log.DebugContext(ctx, "the merge commit was not fetched", "err", err)
		return nil
	}
	return object
}

// gitLogin shows git the GitHub token for the forge, and no other server, by the environment: arguments are for all to see.
func (j *job) gitLogin() []string {
	u, err := url.Parse(j.event.ServerURL)
	if err != nil || j.opt.GitHubToken == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1" {
		return nil
	}
	login := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + j.opt.GitHubToken))
	return []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http." + j.event.ServerURL + "/.extraheader", "GIT_CONFIG_VALUE_0=Authorization: basic " + login}
}

// leaveMerge is what pack does for handedOn.
func (j *job) leaveMerge(ctx context.Context, out string) error {
	if j.event.MergeSHA == "" {
		return nil
	}
	object, err := git{dir: j.opt.Dir}.commit(ctx, j.event.MergeSHA)
	if err != nil {
		j.streams.Log.DebugContext(ctx, "the checkout does not have the merge commit", "err", err)
		return nil // the publish says what it lacks
	}
	return os.WriteFile(filepath.Join(out, mergeFile), object, 0o644)
}

// commit returns a commit object as Git hashes it.
func (g git) commit(ctx context.Context, sha string) ([]byte, error) {
	text, err := g.output(ctx, "cat-file", "commit", sha)
	if err == nil && !isCommit([]byte(text), sha) {
		err = fmt.Errorf("git cat-file does not print the object %s as it is", sha)
	}
	return []byte(text), err
}

// isCommit reports whether an object is the commit with that name.
func isCommit(object []byte, sha string) bool {
	if len(object) > maxCommit {
		return false
	}
	hashed := append(fmt.Appendf(nil, "commit %d\x00", len(object)), object...)
	if len(sha) == hex.EncodedLen(sha256.Size) {
		sum := sha256.Sum256(hashed)
		return hex.EncodeToString(sum[:]) == sha
	}
	sum := sha1.Sum(hashed) // the registry is who must not be deceived
	return hex.EncodeToString(sum[:]) == sha
}
