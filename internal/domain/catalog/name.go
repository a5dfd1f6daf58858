package catalog

import (
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
)

// checkName refuses what can't be a package's name as fault.NotFound. It allows more
// than a publish does: the public registry has names from before the rules.
func checkName(name string) error {
	err := npm.ValidName(name)
	if err == nil || oldName(name) {
		return nil
	}
	return fault.New(fault.NotFound, "%s", err)
}

// oldName accepts names that only the rules for new packages refuse
// (validForOldPackages of validate-npm-package-name), as far as URLs show them unchanged.
func oldName(name string) bool {
	_, base := npm.SplitName(name)
	modern := strings.Map(func(r rune) rune {
		if strings.ContainsRune("!~*'()", r) {
			return 'x'
		}
		return r
	}, base)
	if rest, ok := strings.CutPrefix(modern, "-"); ok {
		modern = "x" + rest
	}
	return modern != base && npm.ValidName(strings.TrimSuffix(name, base)+modern) == nil
}

// fileVersion returns the version that a tarball's conventional file name tells;
// the name may have the scope in front. A file of another form is not ok.
func fileVersion(name, file string) (version string, ok bool) {
	scope, base := npm.SplitName(name)
	if scope != "" {
		file = strings.TrimPrefix(file, scope+"/")
	}
	version, ok = strings.CutPrefix(file, base+"-")
	if !ok {
		return "", false
	}
	version, ok = strings.CutSuffix(version, ".tgz")
	if !ok || version == "" || strings.ContainsAny(version, `/\`) || packument.TarballFile(name, version) != file {
		return "", false
	}
	return version, true
}

// isPreview reports whether a version looks like one of a commit.
func isPreview(version string) bool { return strings.HasPrefix(version, npm.PreviewVersion("")) }
