package pkgprnew

import (
	"fmt"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of this package is made here. All rows go by themselves.
//
//	pkgprnew/run/{key}       run         which run has the key
//	                         bytes       counts what its parts cost
//	pkgprnew/upload/{key}    upload      a tarball that comes in parts
//	                         part/{n}    one of them

func runKey(key string) kv.Key { return kv.Key{Partition: "pkgprnew/run/" + key, Sort: "run"} }

func bytesKey(key string) kv.Key { return kv.Key{Partition: "pkgprnew/run/" + key, Sort: "bytes"} }

func uploadPartition(key string) string { return "pkgprnew/upload/" + key }

func uploadKey(key string) kv.Key { return kv.Key{Partition: uploadPartition(key), Sort: "upload"} }

const partPrefix = "part/"

func partKey(key string, n int) kv.Key {
	return kv.Key{Partition: uploadPartition(key), Sort: fmt.Sprintf("%s%05d", partPrefix, n)}
}
