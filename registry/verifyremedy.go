package registry

import (
	"path"
	"strings"

	"github.com/org/registry-action/internal/store/scrub"
)

// placeOf is where the bytes of a blob are, below the data folder or the prefix of the bucket.
func placeOf(blob, folder string) string {
	space, hex, ok := strings.Cut(blob, "/")
	if !ok {
		return ""
	}
	if folder == "" {
		return blob
	}
	return path.Join(folder, space, hex[:2], hex)
}

// remedy is what to do about a problem.
func remedy(p scrub.Problem) string {
	again := map[string]string{
		"npm":    "or, if there is none, unpublish the version and publish a new one",
		"commit": "or remove the file and run the workflow of the commit again, which brings the bytes anew",
		"zig":    "or, if there is none, yank the version and publish a new one",
		"lumen":  "or, if there is none, yank the version and publish a new one",
	}[p.Kind]
	switch p.Code {
	case scrub.Missing, scrub.Bytes, scrub.Unreadable:
		return "put the file back from a backup, or an earlier version of the object in the bucket; " + again
	case scrub.Archive, scrub.Manifest, scrub.Hash, scrub.Sums:
		return "the bytes are those of their digest, so the row was changed, or the package was never right: restore the metadata from a backup, and find out who wrote to the store; " + again
	case scrub.Signature:
		return "don't install it before you know who changed the row or the keys: restore the metadata from a backup; " + again
	case scrub.Hold:
		return "restore the metadata from a backup before the sweeper runs, and keep a copy of the file"
	case scrub.Row, scrub.Reference:
		again = map[string]string{
			"policy": "; find out who wrote to the store, or end the policy, if it can still be read: registry-server trust remove",
			"token":  "; find out who wrote to the store, or end it: registry-server token revoke",
		}[p.Kind]
		return "restore the metadata from a backup; for DynamoDB, from a point in time" + again
	}
	return "restore from a backup"
}
