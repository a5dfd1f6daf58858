package packlist

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// manifestRules are the rules that a package.json gives its folder: those of
// its files array (nil without one) and those that nothing overrides. It notes
// in w which files the array names.
func (t *tree) manifestRules(root *os.Root, w *walker) (files, strict rules, err error) {
	m := t.manifest
	if m == nil {
		return nil, nil, nil
	}
	source := `"files" of ` + path.Join(t.prefix, manifestName)
	named, lines := []string(nil), []string{"*"}
	for _, entry := range m.files {
		if strings.HasPrefix(entry, "./") {
			entry = entry[1:]
		}
		if strings.HasSuffix(entry, "/*") {
			entry += "*"
		}
		switch kindOf(root, strings.TrimLeft(entry, "!")) {
		case namesFile:
			named = append(named, "!"+entry)
			w.required = append(w.required, strings.TrimPrefix(entry, "/"))
		case namesFolder:
			lines = append(lines, "!"+entry, "!"+entry+"/**")
		case namesPattern:
			lines = append(lines, "!"+entry)
		}
	}
	if m.hasFiles {
		if files, err = compileRules(strings.Join(lines, "\n"), source); err != nil {
			return nil, nil, err
		}
	}
	slices.Reverse(named) // npm puts each in front
	first, err := compileRules(strings.Join(named, "\n"), source)
	if err != nil {
		return nil, nil, err
	}
	last, err := compileRules(strings.Join(m.entryPoints(), "\n"), `"main", "browser" and "bin" of `+path.Join(t.prefix, manifestName))
	return files, slices.Concat(first, t.l.builtin.strictFirst, t.l.builtin.strict, last), err
}

// entryPoints are the rules for the files that a package can't do without.
func (m *manifest) entryPoints() []string {
	var lines []string
	for _, p := range append([]string{m.browser, m.main}, m.bins...) {
		if p != "" {
			lines = append(lines, "!/"+p)
		}
	}
	return lines
}

// entryKind is what an entry of a files array turns out to be.
type entryKind int

const (
	namesPattern entryKind = iota // nothing of that name: a pattern
	namesFile
	namesFolder
	namesOther // a link or a special file, which is never packed
)

func kindOf(root *os.Root, entry string) entryKind {
	name := path.Join(".", entry)
	stat := root.Lstat
	if strings.HasSuffix(entry, "/") {
		stat = root.Stat
	}
	info, err := stat(name)
	switch {
	case err != nil:
		return namesPattern
	case info.IsDir():
		return namesFolder
	case strings.HasSuffix(entry, "/"): // not a folder, so there is nothing of that name
		return namesPattern
	case info.Mode()&fs.ModeType == 0:
		return namesFile
	}
	return namesOther
}
