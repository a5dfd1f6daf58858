package lumenpackages

import (
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of Lumen packages is made here. Names and versions stand in them as they are; neither has a space.
//
//	lumen/package/{name}    head                   revision, owners; see head
//	                        metadata/{version}     the document, as it is served
//	                        signature/{version}    the same
//	lumen/versions          {name} {version}       what lists need of a version; see entry
//	lumen/names             {name}                 what index.json has of a package; see summary
//	lumen/scope/{@scope}    head                   who owns the scope; see scopeRow
//	lumen/artifact/{hex}    artifact               an archive of a version; see artifactRow
//	lumen/staged/{hex}      {user}                 an archive that waits for its metadata; see stagedRow
//	lumen/uploadkey/{id}    key                    whose the key is that signs uploads; see UploadKey
//	lumen/uploader/{user}   {id}                   the same, to list a user's keys
//	lumen/keys              current                the key that signs; see keyRow
//	                        retired/{time}/{id}    a public key that signed until then
//	lumen/state             revision               a counter that grows with every change of the tree
//	                        checkpoint             the last one that was signed; see checkpointRow

// ownKind is what packages are of in the feed, and in what verify finds.
const ownKind = string(kind.Lumen)

const (
	versionsPartition = "lumen/versions"
	namesPartition    = "lumen/names"
	keysPartition     = "lumen/keys"
	statePartition    = "lumen/state"
	retiredPrefix     = "retired/"
)

func packageKey(name, sort string) kv.Key {
	return kv.Key{Partition: "lumen/package/" + name, Sort: sort}
}

func headKey(name string) kv.Key { return packageKey(name, "head") }

func metadataKey(name, version string) kv.Key { return packageKey(name, "metadata/"+version) }

func signatureKey(name, version string) kv.Key { return packageKey(name, "signature/"+version) }

// entryPrefix begins the entries of one package's versions.
func entryPrefix(name string) string { return name + " " }

func entryKey(name, version string) kv.Key {
	return kv.Key{Partition: versionsPartition, Sort: entryPrefix(name) + version}
}

func summaryKey(name string) kv.Key { return kv.Key{Partition: namesPartition, Sort: name} }

func scopeKey(scope string) kv.Key { return kv.Key{Partition: "lumen/scope/" + scope, Sort: "head"} }

func artifactKey(d digest.SHA256) kv.Key {
	return kv.Key{Partition: "lumen/artifact/" + d.Hex(), Sort: "artifact"}
}

func stagedKey(d digest.SHA256, user string) kv.Key {
	return kv.Key{Partition: "lumen/staged/" + d.Hex(), Sort: user}
}

func uploadKeyKey(id string) kv.Key { return kv.Key{Partition: "lumen/uploadkey/" + id, Sort: "key"} }

func uploaderPartition(user string) string { return "lumen/uploader/" + user }

func uploaderKey(user, id string) kv.Key {
	return kv.Key{Partition: uploaderPartition(user), Sort: id}
}

func currentKey() kv.Key { return kv.Key{Partition: keysPartition, Sort: "current"} }

func retiredKey(at time.Time, id string) kv.Key {
	return kv.Key{Partition: keysPartition, Sort: retiredPrefix + at.UTC().Format(time.RFC3339) + "/" + id}
}

func revisionKey() kv.Key { return kv.Key{Partition: statePartition, Sort: "revision"} }

func checkpointKey() kv.Key { return kv.Key{Partition: statePartition, Sort: "checkpoint"} }
