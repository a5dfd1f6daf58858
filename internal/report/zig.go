package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/zig"
)

// Compilers writes a list of minor versions, as in "0.11, 0.13 to 0.15". What is none is left out.
func Compilers(versions []string) string {
	var parts []string
	first, last := 0, -2 // of the run of versions that is being read
	flush := func() {
		switch {
		case last < first:
		case last == first:
			parts = append(parts, zig.Versions[first])
		default:
			parts = append(parts, zig.Versions[first]+" to "+zig.Versions[last])
		}
	}
	for i, v := range zig.Versions {
		if !slices.Contains(versions, v) {
			continue
		}
		if i != last+1 {
			flush()
			first = i
		}
		last = i
	}
	flush()
	return strings.Join(parts, ", ")
}

// writeZig writes how packages of Zig are fetched, those that changed first.
func (r Report) writeZig(b *strings.Builder, d detail, packages []Package) {
	few, others := r.wanted(packages)
	writeFetches(b, d, few)
	if len(others) > 0 {
		var content strings.Builder
		writeFetches(&content, d, others)
		fold(b, "Zig: "+count(len(others), "unchanged package"), content.String())
	}
}

func writeFetches(b *strings.Builder, d detail, packages []Package) {
	if len(packages) == 0 {
		return
	}
	var content strings.Builder
	for _, p := range packages {
		content.WriteString(block("sh", p.fetch()))
	}
	if len(packages) > maxInline {
		fold(b, "Fetch with Zig", content.String())
	} else {
		b.WriteString(content.String())
	}
	if !d.single {
		return
	}
	content.Reset()
	for _, p := range packages {
		fmt.Fprintf(&content, "%s, for Zig %s\n", code(short(p.Name)), Compilers(p.Zig.Compilers))
		content.WriteString(block("zig", p.snippet()))
		if _, other, who := p.hashes(); who != "" {
			fmt.Fprintf(&content, "The hash for Zig %s: %s\n\n", who, code(short(other)))
		}
	}
	fold(b, "Zig: hashes, and lines for build.zig.zon", content.String())
}

// fetch is the command that adds the package to a project.
func (p Package) fetch() string {
	return "zig fetch " + shellWord("--save="+short(p.Zig.Name)) + " " + shellWord(p.URL)
}

// snippet is the dependency with the hash that most compilers take.
func (p Package) snippet() string {
	hash, _, _ := p.hashes()
	return zig.Snippet(literal(short(p.Zig.Name)), literal(short(p.URL)), literal(short(hash)))
}

// hashes are the form of the hash that most compilers take, the other one, and who wants that: "" if nobody does.
func (p Package) hashes() (best, other, who string) {
	best, others := zig.Hashes{Hash: p.Zig.Hash, Legacy: p.Zig.Legacy}.Best(p.Zig.Compilers)
	if other = p.Zig.Hash; best == other {
		other = p.Zig.Legacy
	}
	return best, other, Compilers(others)
}

// writeZigLines is writeZig for a terminal.
func writeZigLines(b *strings.Builder, packages []Package) {
	shown, verb := packages, "Fetch"
	if len(packages) > maxInline {
		shown, verb = packages[:1], "Fetch one"
	}
	for _, p := range shown {
		hash, other, who := p.hashes()
		fmt.Fprintf(b, "\n%s with Zig %s:\n  %s\n  hash %s\n", verb, Compilers(p.Zig.Compilers), p.fetch(), plain(hash))
		if who != "" {
			fmt.Fprintf(b, "  hash %s for Zig %s\n", plain(other), who)
		}
	}
}
