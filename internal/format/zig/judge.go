package zig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/semver"
)

// finding is something to say about a package.
type finding struct {
	code    string
	message string
	stops   func(minor int) bool // the versions 0.minor that can't fetch it; nil: none is stopped
}

func until(last int) func(int) bool { return func(minor int) bool { return minor <= last } }
func from(first int) func(int) bool { return func(minor int) bool { return minor >= first } }
func either(a, b func(int) bool) func(int) bool {
	return func(minor int) bool { return a(minor) || b(minor) }
}

// judge collects the warnings and what follows from them: the versions that can fetch the package. One that none can is refused.
func (p *Package) judge() error {
	found := append(p.dependencyFindings(), p.fileFindings()...)
	if p.Manifest != nil && !p.Manifest.NameText {
		found = slices.DeleteFunc(found, onlyOld)
	}
	found = append(p.manifestFindings(), found...)
	for minor := oldest; minor <= latest; minor++ {
		stopped := false
		for _, f := range found {
			stopped = stopped || f.stops != nil && f.stops(minor)
		}
		if !stopped {
			p.Zig = append(p.Zig, Versions[minor-oldest])
		}
	}
	var reasons []string
	for _, f := range found {
		p.Warnings = append(p.Warnings, Warning{Code: f.code, Message: f.message})
		if f.stops != nil {
			reasons = append(reasons, f.message)
		}
	}
	if len(p.Zig) == 0 {
		return badPackage("no version of Zig can fetch this package: %s", strings.Join(reasons, "; "))
	}
	p.warnOfMinimum()
	return nil
}

// onlyOld reports whether a finding matters to none but compilers that can't read the manifest's name anyway.
func onlyOld(f finding) bool {
	return f.stops != nil && !f.stops(14) && !f.stops(latest) && f.code != "links"
}

// warnOfMinimum names the compilers that can fetch the package though its manifest asks for a newer one; none refuses to.
func (p *Package) warnOfMinimum() {
	if p.Manifest == nil || p.Manifest.MinimumZig == "" {
		return
	}
	wanted, err := semver.Parse(p.Manifest.MinimumZig)
	if err != nil {
		return
	}
	var older []string
	for _, name := range p.Zig {
		minor := uint64(slices.Index(Versions, name) + oldest)
		if wanted.Major > 0 || wanted.Minor > minor {
			older = append(older, name)
		}
	}
	if len(older) > 0 {
		p.Warnings = append(p.Warnings, Warning{"minimum_zig_version",
			fmt.Sprintf("the manifest asks for Zig %s; %s can fetch the package but need not build it", p.Manifest.MinimumZig, strings.Join(older, ", "))})
	}
}

func (p *Package) manifestFindings() (found []finding) {
	add := func(stops func(int) bool, code, format string, args ...any) {
		found = append(found, finding{code, fmt.Sprintf(format, args...), stops})
	}
	m := p.Manifest
	if m == nil {
		add(nil, "no_manifest", "the package has no %s, so compilers know neither its name nor its version nor what it depends on", manifestName)
		return found
	}
	found = append(found, m.text...)
	if m.NameText {
		add(from(16), "string_name", "the name is a string, which Zig 0.16 and later refuse; write .name = .%s for 0.14 and later", bareName(m.Name))
	} else {
		add(until(13), "enum_name", `the name is written .%s, which Zig 0.13 and before do not read; they want "%[1]s"`, m.Name)
	}
	bare := func(minor int) bool { return len(m.Name) <= maxBareName && isBare(m.Name, minor) }
	if !bare(14) || !bare(latest) {
		add(func(minor int) bool { return minor >= 14 && !bare(minor) }, "name_not_bare",
			"the name %s is not what Zig 0.14 and later take: an identifier of at most %d letters, digits and '_' that is no keyword", m.Name, maxBareName)
	}
	if len(m.Version) > maxBareVersion {
		add(from(14), "long_version", "the version has more than %d bytes, which Zig 0.14 and later refuse", maxBareVersion)
	}
	if m.Fingerprint == 0 {
		add(from(16), "no_fingerprint", "the manifest has no .fingerprint, which Zig 0.16 and later demand; a compiler from 0.14 on suggests one")
	}
	if m.Paths == nil {
		add(nil, "no_paths", "the manifest has no .paths, so `zig fetch` refuses the package; as a dependency everything of it is included")
	} else if !newFilter(m).includes(manifestName) {
		add(either(until(11), from(16)), "manifest_not_in_paths", "the manifest's .paths leaves out %s: Zig 0.16 and later fetch the package once and then "+
			"see another hash, 0.11 does from the start; add it to .paths", manifestName)
	}
	return found
}

// bareName is an identifier like the name, with '_' for all that it can't have.
func bareName(name string) string {
	bare := strings.Map(func(r rune) rune {
		if r < 0x80 && isWordByte(byte(r)) {
			return r
		}
		return '_'
	}, name)
	if !isBare(bare, latest) {
		bare = "_" + bare
	}
	return bare[:min(len(bare), maxBareName)]
}
