package config

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// release is the version of a released program, which tools/release links in.
// Such builds know nothing of their checkout, so that anybody can make the same bytes.
var release string

// Version is the version this program was released as, or the version of the
// module it was built from, "(devel)" for a build that has none.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(release, "(devel)")
	}
	return cmp.Or(release, info.Main.Version, "(devel)")
}

func longVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version()
	}
	return describeBuild(Version(), info)
}

func describeBuild(version string, info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := ""
	if rev := settings["vcs.revision"]; rev != "" {
		commit = fmt.Sprintf("commit %.12s, ", rev)
		if settings["vcs.modified"] == "true" {
			commit = fmt.Sprintf("commit %.12s with changes, ", rev)
		}
	}
	return fmt.Sprintf("%s (%s%s %s/%s)", version, commit, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}
