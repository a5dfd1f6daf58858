package config

import (
	"runtime/debug"
	"testing"
)

func TestDescribeBuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"},
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got, want := describeBuild("v1.2.3", info), "v1.2.3 (commit 0123456789ab with changes, go1.26.8 linux/arm64)"; got != want {
		t.Errorf("describeBuild = %q, want %q", got, want)
	}
	info.Settings = info.Settings[:2]
	if got, want := describeBuild("(devel)", info), "(devel) (go1.26.8 linux/arm64)"; got != want {
		t.Errorf("describeBuild = %q, want %q", got, want)
	}
}

// What tools/release links in goes before what Go knows of the build.
func TestReleasedVersion(t *testing.T) {
	before := Version()
	release = "v9.8.7"
	t.Cleanup(func() { release = "" })
	if got := Version(); got != "v9.8.7" || before == got {
		t.Errorf("a released program is %q, before it was %q", got, before)
	}
}
