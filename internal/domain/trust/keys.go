package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of trust is made here.
//
//	trust/policy             {id}               a policy
//	trust/issuer/{issuer}    id/{repository's id}/{id}, owner/{owner's id}/{id},
//	                         name/{owner/name}/{id}   which policies are for a repository
//	trust/used/{token}       jti                a token that was exchanged, until it is no longer good

const (
	policyPartition = "trust/policy"
	issuerPrefix    = "trust/issuer/"
	usedPrefix      = "trust/used/"
)

func policyKey(id string) kv.Key { return kv.Key{Partition: policyPartition, Sort: id} }

func issuerPartition(issuer string) string { return issuerPrefix + digestOf(issuer) }

func byID(repositoryID int64) string { return "id/" + number(repositoryID) + "/" }

func byOwner(ownerID int64) string { return "owner/" + number(ownerID) + "/" }

func byName(repository string) string { return "name/" + strings.ToLower(repository) + "/" }

// indexKeys are where a policy is found: by name always, since another repository may come under it.
func (p Policy) indexKeys() []kv.Key {
	partition := issuerPartition(p.Issuer)
	keys := []kv.Key{{Partition: partition, Sort: byName(p.Repository) + p.ID}}
	switch {
	case p.ofOwner():
		keys = append(keys, kv.Key{Partition: partition, Sort: byOwner(p.OwnerID) + p.ID})
	case p.pinned():
		keys = append(keys, kv.Key{Partition: partition, Sort: byID(p.RepositoryID) + p.ID})
	}
	return keys
}

func usedKey(c Claims) kv.Key {
	return kv.Key{Partition: usedPrefix + digestOf(c.Issuer.URL+"\n"+c.ID), Sort: "jti"}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
