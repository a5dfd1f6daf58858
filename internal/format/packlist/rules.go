package packlist

import (
	"strings"
	"unicode"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packlist/glob"
)

// rules is a rule list: a negated pattern includes what it matches, any other
// excludes it.
type rules []*glob.Pattern

// defaultLines are left out unless something includes them. They hold anew in
// every folder.
const defaultLines = `.npmignore
.gitignore
**/.git
**/.svn
**/.hg
**/CVS
**/.git/**
**/.svn/**
**/.hg/**
**/CVS/**
/.lock-wscript
/.wafpickle-*
/build/config.gypi
npm-debug.log
**/.npmrc
.*.swp
.DS_Store
**/.DS_Store/**
._*
**/._*/**
*.orig
/archived-packages/**`

// strictFirst is the first of the rules that nothing overrides, in every folder.
const strictFirst = "/.git"

// strictLines follow it at the top of a package.
const strictLines = `!/package.json
!/readme{,.*[^~$]}
!/copying{,.*[^~$]}
!/license{,.*[^~$]}
!/licence{,.*[^~$]}
/.git
/node_modules
.npmrc
/package-lock.json
/yarn.lock
/pnpm-lock.yaml
/bun.lockb`

// builtin are the rules that every walk has.
type builtin struct {
	defaults, strictFirst, strict rules
}

func compileBuiltin() (b builtin, err error) {
	const source = "npm's built-in rules"
	if b.defaults, err = compileRules(defaultLines, source); err != nil {
		return b, err
	}
	if b.strictFirst, err = compileRules(strictFirst, source); err != nil {
		return b, err
	}
	b.strict, err = compileRules(strictLines, source)
	return b, err
}

// compileRules compiles the lines of an ignore file. Blank lines and those that
// start with "#" are no rules.
func compileRules(text, source string) (rules, error) {
	var out rules
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimFunc(line, isSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := glob.Compile(line)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "the pattern in line %d of %s can't be used, write a simpler one", number, source)
		}
		out = append(out, p)
	}
	return out, nil
}

// isSpace is JavaScript's idea of white space, which String.prototype.trim removes.
func isSpace(r rune) bool {
	return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r)
}

// hit reports whether a rule matches the path at the end of segments, seen from
// the folder that has the rule. nested says that the path is in a folder below.
func hit(p *glob.Pattern, segments []string, as form, nested bool) bool {
	path := glob.Path{Segments: segments, Trailing: as == asSlashed}
	if p.Match(path, false) {
		return true
	}
	if as != asFolder {
		return false
	}
	if matchFolder(p, path) {
		return true
	}
	return nested && p.Relative() && matchFolder(p, glob.Path{Segments: segments[len(segments)-1:]})
}

// matchFolder matches what a folder can match beyond what a file of its name
// does: a pattern with a slash at the end, or one that includes something below.
func matchFolder(p *glob.Pattern, path glob.Path) bool {
	if path.Trailing = true; p.Match(path, false) {
		return true
	}
	path.Trailing = false
	return p.Negated() && p.Match(path, true)
}

// form is what a path is judged as.
type form int

const (
	asFile    form = iota
	asFolder       // could something below be wanted?
	asSlashed      // a file whose name ends in a slash: an exact match of a folder
)
