package packument

import "github.com/org/registry-action/internal/format/npm"

// TarballFile is the conventional last part of a tarball's URL: "a-1.0.0.tgz" for @acme/a.
func TarballFile(name, version string) string {
	_, base := npm.SplitName(name)
	return base + "-" + version + ".tgz"
}

// TarballURL is the conventional URL of a tarball below a registry's URL
// (without a slash at its end). Clients that find it leave it out of their lockfiles.
func TarballURL(registry, name, version string) string {
	b := appendEscapedPath([]byte(registry+"/"), name, '/')
	b = append(b, "/-/"...)
	return string(appendEscapedPath(b, TarballFile(name, version), 0))
}

// appendEscapedPath escapes what valid names and versions don't have, so that a
// hostile one stays one part of a path. slash may stay.
func appendEscapedPath[T []byte | string](b []byte, s T, slash byte) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '+', c == '@', c == slash && c != 0:
			b = append(b, c)
		default:
			b = append(b, '%', hexUpper[c>>4], hexUpper[c&15])
		}
	}
	return b
}

const hexUpper = "0123456789ABCDEF"

// target writes the tarball URLs of one package as JSON.
type target struct{ prefix []byte }

func newTarget(registry, name string) target {
	url := TarballURL(registry, name, "")
	prefix := appendText(nil, url[:len(url)-len(".tgz")])
	return target{prefix[:len(prefix)-1]}
}

func (t target) append(b, version []byte) []byte {
	b = append(b, t.prefix...)
	b = appendEscapedPath(b, version, 0)
	return append(b, `.tgz"`...)
}
