package report

import (
	"slices"
	"strings"
)

// manager is a package manager that we write commands for.
type manager string

const (
	npm  manager = "npm"
	pnpm manager = "pnpm"
	yarn manager = "yarn" // 1 and later
	bun  manager = "bun"
)

func (m manager) known() bool { return slices.Contains([]manager{npm, pnpm, yarn, bun}, m) }

// Every form here was run with npm 9 to 12, pnpm 10 to 12, yarn 1 and 4 and
// bun 1.4. npm 12 refuses a package by URL (EALLOWREMOTE) unless allow-remote
// is "root", for those that one names, or "all", for what they depend on too;
// older versions pass over the option. pnpm 11 refuses URLs of dependencies'
// dependencies (ERR_PNPM_EXOTIC_SUBDEP) unless blockExoticSubdeps is off.

// install returns the command that installs packages by URL.
func (m manager) install(packages ...Package) string {
	words := m.installWords(slices.ContainsFunc(packages, func(p Package) bool { return p.Linked }))
	for _, p := range packages {
		words = append(words, m.spec(p))
	}
	return strings.Join(words, " ")
}

func (m manager) installWords(linked bool) []string {
	switch {
	case m == npm:
		return []string{"npm", "i", allowRemote(linked)}
	case m == pnpm && linked:
		return []string{"pnpm", "add", allowExotic}
	}
	return []string{string(m), "add"}
}

// spec names a package to install. Yarn wants the name before the URL; of the
// others npm and pnpm take it from the tarball, and bun takes either.
func (m manager) spec(p Package) string {
	if m == yarn {
		return shellWord(p.Name + "@" + p.installURL())
	}
	return shellWord(p.installURL())
}

const allowExotic = "--config.blockExoticSubdeps=false"

func allowRemote(linked bool) string {
	if linked {
		return "--allow-remote=all"
	}
	return "--allow-remote=root"
}

// notes says what a reader must know to use the commands.
func (r Report) notes() []string {
	var notes []string
	linked := slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Linked })
	for _, m := range r.managers() {
		switch {
		case m == npm:
			notes = append(notes, "npm 12 and later refuse packages by URL unless told otherwise, hence `--allow-remote`; older versions pass over it.")
		case m == pnpm && linked:
			notes = append(notes, "pnpm 11 and later refuse packages that depend on others by URL unless told otherwise, hence `"+allowExotic+"`.")
		case m == yarn && strings.HasPrefix(r.RegistryURL, "http://"):
			notes = append(notes, "Yarn 2 and later refuse plain http unless `unsafeHttpWhitelist` names the registry's host.")
		}
	}
	return notes
}
