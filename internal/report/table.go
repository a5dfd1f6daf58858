package report

import (
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// maxCell is how many things a cell of a table lists.
const maxCell = 3

// column is a column of a table; it is left out where all its cells are empty.
type column struct {
	title, align string
	cell         func(Package) string
}

// plainTable has a row for each package, and tells nothing of changes.
func plainTable(packages []Package, sizes bool) string {
	columns := []column{{"package", "---", Package.link}, versionColumn()}
	if sizes {
		columns = append(columns, column{"packed size", "--:", func(p Package) string { return size(p.Size) }})
	}
	return write(columns, packages)
}

// table has a row for each package, with what changed in it if that is known.
func (r Report) table(packages []Package, sizes bool) string {
	if r.Base == nil || !sizes {
		return plainTable(packages, sizes)
	}
	columns := []column{{"package", "---", r.linkWithDiff}}
	if !r.oneVersion() {
		columns = append(columns, versionColumn())
	}
	columns = append(columns,
		column{"packed", "--:", Package.packedSize},
		changeColumn("unpacked", "--:", func(c *wire.PackageChange) string { return sizeChange(c.UnpackedSize) }),
		changeColumn("files", "---", func(c *wire.PackageChange) string { return filesChange(c.Files) }),
		changeColumn("dependencies", "---", dependenciesChange),
		changeColumn("entry points", "---", entriesChange),
	)
	return write(columns, packages)
}

func versionColumn() column {
	return column{"version", "---", func(p Package) string { return code(short(p.Version)) }}
}

func changeColumn(title, align string, cell func(*wire.PackageChange) string) column {
	return column{title, align, func(p Package) string {
		if p.Change == nil {
			return ""
		}
		return cell(p.Change)
	}}
}

// write writes a table of Markdown.
func write(columns []column, packages []Package) string {
	lines := make([]strings.Builder, 2+len(packages))
	for i, c := range columns {
		cells, empty := make([]string, len(packages)), true
		for j, p := range packages {
			cells[j] = c.cell(p)
			empty = empty && cells[j] == ""
		}
		if empty && i > 0 {
			continue
		}
		lines[0].WriteString(" " + c.title + " |")
		lines[1].WriteString(c.align + "|")
		for j, cell := range cells {
			lines[2+j].WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
	}
	var b strings.Builder
	for i := range lines {
		b.WriteString("|" + lines[i].String() + "\n")
	}
	return b.String() + "\n"
}

// oneVersion reports whether all packages have the same version.
func (r Report) oneVersion() bool {
	for _, p := range r.Packages {
		if p.Version != r.Packages[0].Version {
			return false
		}
	}
	return true
}

func (p Package) link() string { return link(code(short(p.Name)), p.URL) }

// linkWithDiff also leads to the server's page of what is different.
func (r Report) linkWithDiff(p Package) string {
	switch {
	case p.Change == nil:
		return p.link()
	case p.Change.Kind == wire.Added:
		return p.link() + " **new**"
	}
	page := strings.TrimSuffix(p.URL, "/tarball")
	if diff := address(page + "/diff/" + r.Base.SHA); diff != "" {
		return p.link() + " ([diff](" + diff + "))"
	}
	return p.link()
}

func (p Package) packedSize() string {
	if p.Change != nil {
		if text := sizeChange(p.Change.Size); text != "" {
			return text
		}
	}
	return size(p.Size)
}

// sizeChange has the difference in a line of its own: in a table it would be broken anywhere.
func sizeChange(c *wire.SizeChange) string {
	switch {
	case c == nil || c.After == nil:
		return ""
	case c.Before == nil || *c.Before == *c.After:
		return size(*c.After)
	case *c.After < *c.Before:
		return size(*c.After) + "<br>(−" + size(*c.Before-*c.After) + ")"
	}
	return size(*c.After) + "<br>(+" + size(*c.After-*c.Before) + ")"
}
