package tarball

import "strings"

const (
	manifestName = "package.json"
	topFolder    = "package/"
)

// nearManifest reports whether a case-insensitive file system takes name,
// relative to the package's folder, for package.json.
func nearManifest(name string) bool { return strings.EqualFold(name, manifestName) }
