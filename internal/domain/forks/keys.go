package forks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of claims is made here.
//
//	fork/claim               {hash of the id}          a claim; it expires
//	fork/proofs              {hash of the id}          counts how often a claim was to be proven; it expires
//	fork/repo                {owner/repo}              which repository has this name, by its id
//	fork/rate/{hour}         {kind}/{of}               counts claims; it expires
//	fork/quota/{owner/repo}  {day}/{pull}              what a pull request was let publish, 0 all of them; it expires
//	fork/delivery            {hash of the payload}     a webhook that was taken; it expires
//	fork/lease               {owner/repo}/{pull}       which server writes its comment; it expires

// claimKey does not have the id, so that who reads the store can't spend claims.
func claimKey(id string) kv.Key { return kv.Key{Partition: "fork/claim", Sort: hashed(id)} }

func proofsKey(id string) kv.Key { return kv.Key{Partition: "fork/proofs", Sort: hashed(id)} }

func hashed(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

func repositoryKey(path string) kv.Key {
	return kv.Key{Partition: "fork/repo", Sort: strings.ToLower(path)}
}

func rateKey(now time.Time, kind, of string) kv.Key {
	return kv.Key{Partition: "fork/rate/" + now.UTC().Format("2006-01-02T15"), Sort: kind + "/" + of}
}

// addressOf is what one client counts by: of IPv6 the network that a household has.
func addressOf(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.Unmap().String()
}

// allPulls stands for all pull requests of a repository, whose numbers begin with 1.
const allPulls = 0

func quotaKey(now time.Time, path string, pull int) kv.Key {
	return kv.Key{Partition: "fork/quota/" + strings.ToLower(path), Sort: fmt.Sprintf("%s/%d", now.UTC().Format(time.DateOnly), pull)}
}

// deliveryKey is of what is signed. The id of a delivery is not, so who repeats one could give it another.
func deliveryKey(payload []byte) kv.Key {
	sum := sha256.Sum256(payload)
	return kv.Key{Partition: "fork/delivery", Sort: hex.EncodeToString(sum[:])}
}

func leaseKey(path string, pull int) kv.Key {
	return kv.Key{Partition: "fork/lease", Sort: fmt.Sprintf("%s/%d", strings.ToLower(path), pull)}
}
