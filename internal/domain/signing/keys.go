package signing

import (
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of signing is made here.
//
//	signing    current               the private key that signs, PKCS #8
//	           retired/{time}/{id}   a public key that signed until then

const (
	partition     = "signing"
	retiredPrefix = "retired/"
)

func currentKey() kv.Key { return kv.Key{Partition: partition, Sort: "current"} }

func retiredKey(at time.Time, id string) kv.Key {
	return kv.Key{Partition: partition, Sort: retiredPrefix + at.UTC().Format("2006-01-02T15:04:05.000") + "/" + id}
}
