package packages

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of packages is made here. Names and versions stand in them
// as they are; versions without build metadata.
//
//	package/{name}    head                   revision, dist-tags, owners; see head
//	                  version/{version}      see versionRow
//	                  readme/{sha256}        a text that versions name
//	                  provenance/{version}   a sigstore bundle
//	                  gone/{version}         a tombstone
//	                  star/{user}            who likes the package
//	scope/{@scope}    head                   who owns the scope, which is in lower case here
//	names             {name}                 what lists and searches show; only of packages that have versions
//	owner/{user}      {name}                 where to look for the user's packages: the heads decide
//	starred/{user}    {name}                 what the user likes
//	stages            {name} {id}            what waits for approval
//	stage/{id}        stage                  the same, found by its id
//	                  candidate              what approving it publishes
//	                  readme, provenance     its large parts

// ownKind is what packages are of in the feed, and in what verify finds.
const ownKind = string(kind.NPM)

const (
	versionPrefix = "version/"
	starPrefix    = "star/"

	namesPartition  = "names"
	stagesPartition = "stages"
)

func packageKey(name, sort string) kv.Key {
	return kv.Key{Partition: packagePartition(name), Sort: sort}
}

func packagePartition(name string) string { return "package/" + name }

func headKey(name string) kv.Key { return packageKey(name, "head") }

func versionKey(name, version string) kv.Key { return packageKey(name, versionPrefix+version) }

func provenanceKey(name, version string) kv.Key { return packageKey(name, "provenance/"+version) }

func goneKey(name, version string) kv.Key { return packageKey(name, "gone/"+version) }

func starKey(name, user string) kv.Key { return packageKey(name, starPrefix+user) }

func readmeKey(name, id string) kv.Key { return packageKey(name, "readme/"+id) }

// readmeID names a text; "" has none.
func readmeID(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// scopeKey is one for all ways to write a scope: whoever owns @acme owns @Acme, which people
// would take for it.
func scopeKey(scope string) kv.Key {
	return kv.Key{Partition: "scope/" + strings.ToLower(scope), Sort: "head"}
}

func nameKey(name string) kv.Key { return kv.Key{Partition: namesPartition, Sort: name} }

func ownerKey(user, name string) kv.Key { return kv.Key{Partition: ownerPartition(user), Sort: name} }

func ownerPartition(user string) string { return "owner/" + user }

func starredKey(user, name string) kv.Key {
	return kv.Key{Partition: starredPartition(user), Sort: name}
}

func starredPartition(user string) string { return "starred/" + user }

// stagesKey is the row of a staged version among those of its package; no name has a space.
func stagesKey(name, id string) kv.Key {
	return kv.Key{Partition: stagesPartition, Sort: stagesPrefix(name) + id}
}

func stagesPrefix(name string) string { return name + " " }

func stageKey(id, sort string) kv.Key { return kv.Key{Partition: "stage/" + id, Sort: sort} }
