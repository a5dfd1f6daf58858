// Package manifestdiff tells what is different in two package.json of an npm package: for people, who want to see the
// fields (Fields), and for who reviews a change and wants to know what it does (Dependencies, Entries, Scripts).
//
// Packages that are built from commits have the commit's digits in their versions, and in those of their siblings; what
// differs in them alone is no change.
package manifestdiff

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
)

// Manifest is a package.json. The zero Manifest is that of a package that is not there.
type Manifest struct {
	written packument.Object // as its author wrote it
	npm     packument.Object // as npm reads it
	text    []byte
	digits  placeholders // what makes two commits' versions the same
}

// Parse reads the package.json of a package that was built from a commit, or from none (""). gyp says that there is a
// binding.gyp beside it.
func Parse(text []byte, commit string, gyp bool) (Manifest, error) {
	written, err := object(text)
	if err != nil {
		return Manifest{}, err
	}
	versioned := slices.Clone(written)
	if versioned.Text("version") == "" { // packages of commits need none
		versioned.Set("version", []byte(`"0.0.0"`))
	}
	readable, err := versioned.MarshalJSON()
	if err != nil {
		return Manifest{}, err
	}
	v, err := packument.FromArchive(packument.Archive{Manifest: readable, Gyp: gyp})
	return Manifest{written: written, npm: v.Manifest, text: text, digits: placeholdersOf(commit)}, err
}

// abbreviated is how many digits of a commit pkg-pr-new writes where it shortens it.
const abbreviated = 7

// placeholders take the place of what tells a commit. The zero placeholders replace nothing.
type placeholders struct {
	long  *strings.Replacer
	short *regexp.Regexp // seven digits can be by chance: they count as the end of a URL alone
}

func placeholdersOf(commit string) placeholders {
	if commit == "" {
		return placeholders{}
	}
	long := []string{commit, "<commit>", npm.PreviewVersion(commit), npm.PreviewVersion("<commit>")}
	if len(commit) < abbreviated {
		return placeholders{long: strings.NewReplacer(long...)}
	}
	short := commit[:abbreviated]
	return placeholders{
		long:  strings.NewReplacer(append(long, "0.0.0-preview-"+short, "0.0.0-preview-<commit>")...),
		short: regexp.MustCompile(`(https?://[^\s"/]+/[^\s"]+@)` + regexp.QuoteMeta(short) + `("|$)`),
	}
}

func (p placeholders) replace(text string) string {
	if p.long != nil {
		text = p.long.Replace(text)
	}
	if p.short != nil {
		text = p.short.ReplaceAllString(text, "${1}<commit>${2}")
	}
	return text
}

// object reads a JSON object that may begin with a byte order mark.
func object(text []byte) (packument.Object, error) {
	return packument.ParseObject(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
}

// Object is the manifest as its author wrote it.
func (m Manifest) Object() packument.Object { return m.written }

// neutral is a text of the manifest without what tells its commit.
func (m Manifest) neutral(text string) string { return m.digits.replace(text) }

// Same reports whether two manifests differ in the digits of their commits alone.
func Same(before, after Manifest) bool {
	return before.neutral(string(before.text)) == after.neutral(string(after.text))
}
