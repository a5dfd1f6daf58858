package report

import "strings"

// run gives the line that runs a package's bin without installing it, or none if
// the manager can't. It names the bin, for a package may have several. Yarn 1
// has no such command.
func (r byURL) run(m manager, p Package, bin string) []line {
	all, ok := r.along(m, []Package{p})
	if !ok {
		return nil
	}
	url, named := shellWord(p.installURL()), shellWord(p.Name+"@"+p.installURL())
	var words []string
	switch m {
	case npm:
		words = []string{"npx", "-y", allowRemote(p.Linked)}
		for _, needed := range all {
			words = append(words, "-p", shellWord(needed.installURL()))
		}
	case pnpm:
		words = []string{"pnpm", "dlx"}
		if p.Linked {
			words = append(words, allowExotic)
		}
		words = append(words, "--package="+url)
	case yarn:
		words = []string{"yarn", "dlx", "-p", named}
	case bun:
		words = []string{"bunx", "-p", named}
	}
	return []line{{"", strings.Join(append(words, shellWord(bin)), " ")}}
}
