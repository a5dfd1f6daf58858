package commits

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of commit publishes is made here.
//
//	commit/{sha}          head                    the publishes of the commit, and when it ends
//	                      pkg/{publish}/{n}       packages, as many as fit in a row
//	prefix/{sha[:7]}      {sha}                   finds a commit by a short SHA
//	repo/{owner/repo}     commit/{sha}            which packages of the commit are the repository's
//	                      host                    which forge's owner/repo this is, and its owners
//	                      ref/{kind}/{name}       what a ref points at
//	                      rev                     counts the changes of all these; it stays
//	pulls/{owner/repo}    {number}                whether a pull request is open, as webhooks say; it expires
//	repos                 {owner/repo}            what lists and searches show; see Summary
//	uploads/{owner/repo}  {day}                   counts the bytes that a pull request of a fork has uploaded; it expires
//
// What forks publish for pull request 7 of owner/repo is that of a repository owner/repo/-/pr/7; see place.go.

func headKey(sha string) kv.Key { return kv.Key{Partition: commitPartition(sha), Sort: "head"} }

func commitPartition(sha string) string { return "commit/" + sha }

// ownKind is what repositories are of in the feed, by their paths in lower case, and in what verify finds.
const ownKind = "commit"

const packagePrefix = "pkg/"

func packagesKey(sha, publish string, n int) kv.Key {
	return kv.Key{Partition: commitPartition(sha), Sort: fmt.Sprintf("%s%s/%04d", packagePrefix, publish, n)}
}

// publishOf is the inverse of packagesKey for the publish id.
func publishOf(sort string) string {
	publish, _, _ := strings.Cut(strings.TrimPrefix(sort, packagePrefix), "/")
	return publish
}

func prefixKey(sha string) kv.Key { return kv.Key{Partition: "prefix/" + sha[:minSHA], Sort: sha} }

func repoPartition(path string) string { return "repo/" + strings.ToLower(path) }

const reposPartition = "repos"

func repoKey(path string) kv.Key {
	return kv.Key{Partition: reposPartition, Sort: strings.ToLower(path)}
}

func hostKey(r Repository) kv.Key { return kv.Key{Partition: repoPartition(r.Path), Sort: "host"} }

const (
	indexPrefix = "commit/"
	refPrefix   = "ref/"
)

func indexKey(repoPath, sha string) kv.Key {
	return kv.Key{Partition: repoPartition(repoPath), Sort: indexPrefix + sha}
}

func revisionKey(repoPath string) kv.Key {
	return kv.Key{Partition: repoPartition(repoPath), Sort: "rev"}
}

func pullKey(repoPath string, pull int) kv.Key {
	return kv.Key{Partition: "pulls/" + strings.ToLower(repoPath), Sort: strconv.Itoa(pull)}
}

func uploadsKey(repoPath string, now time.Time) kv.Key {
	return kv.Key{Partition: "uploads/" + strings.ToLower(repoPath), Sort: now.UTC().Format(time.DateOnly)}
}

func refKey(repoPath string, r Ref) kv.Key {
	return kv.Key{Partition: repoPartition(repoPath), Sort: refPrefix + r.String()}
}
