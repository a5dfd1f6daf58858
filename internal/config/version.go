package config

import (
	"fmt"
	"runtime/debug"
)

// Version is the module version this program was built from, "(devel)" for a
// build that has none.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
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
