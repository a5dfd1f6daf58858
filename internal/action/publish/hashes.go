package publish

import (
	"fmt"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/wire"
)

// checkHashes refuses to tell people a hash that is not of what was packed: compilers
// trust it, whoever serves the archive.
func (j *job) checkHashes() error {
	packed := map[string]*pack.Package{}
	for _, p := range j.packages {
		packed[p.Name] = p
	}
	for _, p := range j.published.Packages {
		own := packed[p.Name]
		if own == nil || p.Kept {
			continue
		}
		if want, same := agree(own, p.CommitPackage); !same {
			return fmt.Errorf("the registry has published %s, but says of it another hash than what was packed has, %s; do not use it, and see that the server is no older than this program", p.Name, want)
		}
	}
	return nil
}

// agree reports whether the server's answer has the hashes of what was packed, and names one of those.
func agree(own *pack.Package, p wire.CommitPackage) (want string, same bool) {
	switch {
	case own.Zig != nil:
		return own.Zig.Hash, p.ZigPackage != nil && p.Hash == own.Zig.Hash && p.LegacyHash == own.Zig.Legacy
	case own.Lumen != nil:
		return own.Lumen.ContentHash, p.LumenPackage != nil && p.ContentHash == own.Lumen.ContentHash &&
			p.ManifestHash == own.Lumen.ManifestHash && p.SHA256 == own.Sums.SHA256
	}
	return "", true
}

// packedHashes is what is told of a package of Zig or Lumen that was only packed.
type packedHashes struct {
	Hash         string   `json:"hash,omitempty"`
	LegacyHash   string   `json:"legacyHash,omitempty"`
	Compilers    []string `json:"zig,omitempty"`
	ManifestHash string   `json:"manifestHash,omitempty"`
	ContentHash  string   `json:"contentHash,omitempty"`
}

func describeHashes(p *pack.Package) packedHashes {
	switch {
	case p.Zig != nil:
		return packedHashes{Hash: p.Zig.Hash, LegacyHash: p.Zig.Legacy, Compilers: p.Zig.Compilers}
	case p.Lumen != nil:
		return packedHashes{ManifestHash: p.Lumen.ManifestHash, ContentHash: p.Lumen.ContentHash}
	}
	return packedHashes{}
}

// lines are the hashes for people.
func (h packedHashes) lines() string {
	switch {
	case h.Hash != "":
		return fmt.Sprintf("  hash %s\n       %s\n", h.Hash, h.LegacyHash)
	case h.ContentHash != "":
		return fmt.Sprintf("  hash %s\n", h.ContentHash)
	}
	return ""
}
