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

// byURL gives the lines that use the URLs of tarballs.
type byURL struct{ Report }

// install gives none if the manager can't install the packages, with what they need.
func (r byURL) install(m manager, packages ...Package) []line {
	packages, ok := r.along(m, packages)
	if !ok {
		return nil
	}
	words := m.installWords(slices.ContainsFunc(packages, func(p Package) bool { return p.Linked }))
	words = append(words, r.save()...)
	for _, p := range packages {
		words = append(words, m.spec(p))
	}
	return []line{{"", strings.Join(words, " ")}}
}

// save is how every manager is told where a project lists what is installed.
func (r Report) save() []string {
	if r.Dev {
		return []string{"-D"}
	}
	return nil
}

// along adds the packages that must be installed along. Only npm lets a package
// by URL satisfy another's dependency on its version.
func (r byURL) along(m manager, packages []Package) (all []Package, ok bool) {
	if !slices.ContainsFunc(packages, func(p Package) bool { return len(p.Needs) > 0 }) {
		return packages, true
	}
	if m != npm {
		return nil, false
	}
	others := map[string]Package{}
	for _, p := range r.Packages {
		others[p.Name] = p
	}
	all = slices.Clone(packages)
	for _, p := range packages {
		delete(others, p.Name)
	}
	for i := 0; i < len(all); i++ { // all grows
		for _, name := range all[i].Needs {
			if p, ok := others[name]; ok {
				all = append(all, p)
				delete(others, name)
			}
		}
	}
	return all, true
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

// notes says what a reader must know to use the lines.
func (r byURL) notes() []string {
	var notes []string
	linked := slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Linked })
	for _, m := range r.managers() {
		switch {
		case m == npm:
			notes = append(notes, "npm 12 and later refuse packages by URL unless told otherwise, hence `--allow-remote`; older versions pass over it.")
		case m == pnpm && linked:
			notes = append(notes, "pnpm 11 and later refuse packages that depend on others by URL unless told otherwise, hence `"+allowExotic+"`.")
		case m == yarn && r.plainHost() != "":
			notes = append(notes, "Yarn 2 and later refuse plain http unless `unsafeHttpWhitelist` names the registry's host.")
		}
	}
	if others := r.needy(); others != "" && slices.ContainsFunc(r.managers(), func(m manager) bool { return m != npm }) {
		notes = append(notes, others+" by version. Only npm takes that from URLs, when all are installed together; publish with `siblings: url` for commands that every manager can use.")
	}
	return notes
}

// needy begins a sentence about the packages that need others by version.
func (r byURL) needy() string {
	n := 0
	for _, p := range r.Packages {
		if len(p.Needs) > 0 {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 package here refers to others of this commit"
	}
	return count(n, "package") + " here refer to others of this commit"
}
