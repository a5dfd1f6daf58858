package zigpackages

import (
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of Zig packages is made here. Names stand in them as keyOf makes them, versions as they are.
//
//	zig/package/{name}    head                  revision, latest version, owners; see head
//	                      version/{version}     a Version
//	zig/names             {name}                what searches show; only of packages that have a version that is not yanked
//	zig/hash/{hash}       {name}/{version}      which versions have the hash, in either form; see hashRow

// ownKind is what packages are of in the feed, by the keys of their names, and in what verify finds.
const ownKind = string(kind.Zig)

const (
	versionPrefix  = "version/"
	namesPartition = "zig/names"
)

func packagePartition(key string) string { return "zig/package/" + key }

func headKey(key string) kv.Key { return kv.Key{Partition: packagePartition(key), Sort: "head"} }

func versionKey(key, version string) kv.Key {
	return kv.Key{Partition: packagePartition(key), Sort: versionPrefix + version}
}

func nameKey(key string) kv.Key { return kv.Key{Partition: namesPartition, Sort: key} }

func hashPartition(hash string) string { return "zig/hash/" + hash }

func hashKey(hash, key, version string) kv.Key {
	return kv.Key{Partition: hashPartition(hash), Sort: key + "/" + version}
}
