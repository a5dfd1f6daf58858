package lumen

import "github.com/org/registry-action/internal/format/digest"

// IndexPath is where an Index lies below the root.
func IndexPath() string { return "index.json" }

// KeysPath is where Keys lie below the root.
func KeysPath() string { return "keys.json" }

// CheckpointPath is where the Envelope over a Checkpoint lies below the root.
func CheckpointPath() string { return "checkpoint.json" }

// PackageIndexPath is where a PackageIndex lies below the root. The name must be valid.
func PackageIndexPath(name string) string { return "packages/" + name + "/index.json" }

// MetadataPath is where a Metadata lies below the root. Name and version must be valid.
func MetadataPath(name, version string) string { return "packages/" + name + "/" + version + ".json" }

// SignaturePath is where the Envelope over a Statement lies below the root. Name and version must be valid.
func SignaturePath(name, version string) string {
	return "signatures/" + name + "/" + version + ".sig.json"
}

// ArtifactPath is where an archive lies below the root; the kind is an Artifact's, "tar" or "tgz". Without
// a kind the path has no suffix, as the client's library builds it.
func ArtifactPath(d digest.SHA256, kind string) string {
	h := d.Hex()
	path := "artifacts/sha256/" + h[:2] + "/" + h[2:]
	if kind != "" {
		path += "." + kind
	}
	return path
}
