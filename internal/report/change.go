package report

import (
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// filesChange counts, as in "+2 −1, 3 changed".
func filesChange(f *wire.FileChanges) string {
	if f == nil {
		return ""
	}
	var parts []string
	if f.AddedCount > 0 {
		parts = append(parts, fmt.Sprintf("+%d", f.AddedCount))
	}
	if f.RemovedCount > 0 {
		parts = append(parts, fmt.Sprintf("−%d", f.RemovedCount))
	}
	text := strings.Join(parts, " ")
	if f.ChangedCount > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d changed", f.ChangedCount)
	}
	return text
}

// dependenciesChange lists the first changes of what is installed along.
func dependenciesChange(c *wire.PackageChange) string {
	var all []string
	for _, d := range c.Dependencies {
		if d.Field != "devDependencies" { // which nobody installs with the package
			all = append(all, dependencyChange(d))
		}
	}
	return cell(all)
}

// dependencyChange is one change, as in "+ `ms` `^2.1.3` (peer)".
func dependencyChange(d wire.DependencyChange) string {
	text := word(d.Name)
	switch {
	case d.Before == "":
		text = "+ " + text + " " + word(d.After)
	case d.After == "":
		text = "− " + text
	default:
		text += " " + word(d.Before) + " → " + word(d.After)
	}
	switch d.Field {
	case "dependencies":
		return text
	case "peerDependencies":
		return text + " (peer)"
	case "optionalDependencies":
		return text + " (optional)"
	case "devDependencies":
		return text + " (dev)"
	}
	return text + " (" + word(d.Field) + ")"
}

// entriesChange lists the first changes of what a package can be used by.
func entriesChange(c *wire.PackageChange) string {
	var all []string
	for _, e := range c.Entries {
		switch {
		case e.Before == "":
			all = append(all, "+ "+word(e.Field))
		case e.After == "":
			all = append(all, "− "+word(e.Field))
		default:
			all = append(all, word(e.Field)+" changed")
		}
	}
	return cell(all)
}

// cell lists the first of some things in a cell of a table.
func cell(all []string) string {
	text := strings.Join(all[:min(maxCell, len(all))], "<br>")
	if more := len(all) - maxCell; more > 0 {
		text += fmt.Sprintf("<br>and %d more", more)
	}
	return text
}

// maxListed is how many things the details of a package list of a kind.
const maxListed = 20

// writeDetails folds what the table has no room for.
func writeDetails(b *strings.Builder, packages []Package) {
	var content strings.Builder
	for _, p := range packages {
		if p.Change == nil || p.Change.Kind == wire.Added { // of which all is new
			continue
		}
		if text := details(p.Change); text != "" {
			content.WriteString(word(p.Name) + "\n" + text + "\n")
		}
	}
	if content.Len() > 0 {
		fold(b, "What changed", content.String())
	}
}

// details lists files, dependencies and entries by name.
func details(c *wire.PackageChange) string {
	var b strings.Builder
	if f := c.Files; f != nil {
		writeFiles(&b, f.Added, f.AddedCount, "added")
		writeFiles(&b, f.Removed, f.RemovedCount, "removed")
		writeFiles(&b, f.Changed, f.ChangedCount, "changed")
	}
	var all []string
	for _, d := range c.Dependencies {
		all = append(all, dependencyChange(d))
	}
	writeItem(&b, "dependencies", all)
	all = nil
	for _, e := range c.Entries {
		switch {
		case e.Before == "":
			all = append(all, "+ "+word(e.Field)+": "+word(e.After))
		case e.After == "":
			all = append(all, "− "+word(e.Field)+": "+word(e.Before))
		default:
			all = append(all, word(e.Field)+": "+word(e.Before)+" → "+word(e.After))
		}
	}
	writeItem(&b, "entry points", all)
	if c.Incomplete {
		b.WriteString("- There is more that could not be read, or is too much to list.\n")
	}
	return b.String()
}

// writeFiles lists paths; n counts also those that are not among them.
func writeFiles(b *strings.Builder, paths []string, n int, what string) {
	if n = max(n, len(paths)); n == 0 {
		return
	}
	var all []string
	for _, path := range paths[:min(maxListed, len(paths))] {
		all = append(all, word(path))
	}
	fmt.Fprintf(b, "- %s %s: %s%s\n", count(n, "file"), what, strings.Join(all, ", "), andMore(n-len(all)))
}

func writeItem(b *strings.Builder, title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "- %s: %s%s\n", title, strings.Join(all[:min(maxListed, len(all))], "; "), andMore(len(all)-maxListed))
}
