package report

import (
	"fmt"
	"path"
	"strings"
)

// A package of Lumen that is in no registry is used by path, from a folder of the project.

// writeLumen writes how packages of Lumen are unpacked into a project, those that changed first.
func (r Report) writeLumen(b *strings.Builder, d detail, packages []Package) {
	folders := foldersOf(packages)
	few, others := r.wanted(packages)
	writeUnpacks(b, d, few, folders)
	if len(others) > 0 {
		var content strings.Builder
		writeUnpacks(&content, d, others, folders)
		fold(b, "Lumen: "+count(len(others), "unchanged package"), content.String())
	}
}

func writeUnpacks(b *strings.Builder, d detail, packages []Package, folders map[string]string) {
	if len(packages) == 0 {
		return
	}
	var content strings.Builder
	for _, p := range packages {
		content.WriteString(block("sh", p.unpack(folders[p.Name])))
	}
	if len(packages) > maxInline {
		fold(b, "Unpack for Lumen", content.String())
	} else {
		b.WriteString(content.String())
	}
	if !d.single {
		return
	}
	content.Reset()
	for _, p := range packages {
		fmt.Fprintf(&content, "%s\n", code(short(p.Name)))
		content.WriteString(block("toml", p.dependency(folders[p.Name])))
		fmt.Fprintf(&content, "The archive: %s, its files: %s\n\n", code(short(p.Lumen.Hash)), code(short(p.Lumen.ContentHash)))
	}
	fold(b, "Lumen: hashes, and lines for lumen.toml", content.String())
}

// unpack is the command that puts the package into a folder.
func (p Package) unpack(folder string) string {
	return fmt.Sprintf("mkdir -p %s && curl -fsSL %s | tar -xf - -C %[1]s", shellWord(folder), shellWord(p.URL))
}

// dependency is the line for [dependencies]. After literal, Go's quotes are TOML's.
func (p Package) dependency(folder string) string {
	return fmt.Sprintf("%q = { path = %q }", literal(short(p.Lumen.Name)), folder)
}

// foldersOf gives each package, by its name, a folder of its own, called as the package, or as its scope too where others are.
func foldersOf(packages []Package) map[string]string {
	used := map[string]int{}
	for _, p := range packages {
		used[folderName(path.Base(p.Lumen.Name))]++
	}
	folders := map[string]string{}
	for _, p := range packages {
		name := folderName(path.Base(p.Lumen.Name))
		if used[name] > 1 {
			name = folderName(p.Lumen.Name)
		}
		folders[p.Name] = "vendor/" + name
	}
	return folders
}

// folderName is one part of a path that leads nowhere else.
func folderName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < 128 && isAlphanumeric(byte(c)) || c == '_' || c == '.' {
			return c
		}
		return '-'
	}, short(name))
	if name = strings.TrimLeft(name, "-."); name == "" {
		return "package"
	}
	return name
}

// writeLumenLines is writeLumen for a terminal.
func writeLumenLines(b *strings.Builder, packages []Package) {
	folders, verb := foldersOf(packages), "Unpack"
	if len(packages) > maxInline {
		packages, verb = packages[:1], "Unpack one"
	}
	for _, p := range packages {
		fmt.Fprintf(b, "\n%s for Lumen:\n  %s\n  %s\n  hash %s\n", verb, p.unpack(folders[p.Name]), p.dependency(folders[p.Name]), plain(p.Lumen.Hash))
	}
}
