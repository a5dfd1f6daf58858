package report

import (
	"net/url"
	"slices"
	"strings"

	names "github.com/org/registry-action/internal/format/npm"
)

// PreviewRegistry is the URL of the preview registry that has the packages, without a
// slash at its end; "" if there is none.
func (r Report) PreviewRegistry() string {
	if u, err := url.Parse(r.Previews); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		return strings.TrimRight(r.Previews, "/")
	}
	path := names.PreviewPath(r.Repository)
	if path == "" || r.RegistryURL == "" {
		return ""
	}
	return strings.TrimRight(r.RegistryURL, "/") + path
}

// Spec is what a client of the preview registry installs a package by,
// "@acme/a@pr-7" or with its version; "" if the package is not there, or needs
// others by URL, which such a client refuses.
func (r Report) Spec(p Package) string {
	if r.PreviewRegistry() == "" || p.Linked || p.Version != names.PreviewVersion(r.SHA) || names.ValidName(p.Name) != nil {
		return ""
	}
	if r.Tag != "" {
		return p.Name + "@" + r.Tag
	}
	return p.Name + "@" + p.Version
}

// listed returns the packages to have from the preview registry: none where
// siblings are linked by URL, for that is how they are meant to be had.
func (r Report) listed() []Package {
	if slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Linked }) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Packages), func(p Package) bool { return r.Spec(p) == "" })
}

// elsewhere tells of packages that only have a URL.
func elsewhere(n int) string {
	if n == 1 {
		return "1 package has a version of its own, which the registry does not show: it is installed by URL."
	}
	return count(n, "package") + " have versions of their own, which the registry does not show: they are installed by URL."
}

// Every form here was run with npm 11 and 12, pnpm 10 to 12, yarn 1 and 4 and
// bun 1.4. -E saves the version as it is: a range of previews would let any later
// one in, in the order of their digits.

// fromRegistry gives the lines that use the preview registry.
type fromRegistry struct{ Report }

func (r fromRegistry) install(m manager, packages ...Package) []line {
	specs := r.save()
	for _, p := range packages {
		specs = append(specs, shellWord(r.Spec(p)))
	}
	root := shellWord(r.PreviewRegistry())
	add := func(words ...string) string { return strings.Join(append(words, specs...), " ") }
	switch m {
	case npm:
		return []line{{"", add("npm", "i", "-E") + " --registry " + root}}
	case yarn:
		return []line{
			{"Yarn 1:", add("yarn", "add", "-E") + " --registry " + root},
			{"Yarn 2 and later:", r.berry() + add("yarn", "add", "-E")},
		}
	}
	return []line{{"", add(string(m), "add", "-E") + " --registry " + root}}
}

// berry sets the environment of Yarn 2 and later: it has no option for the
// registry, and refuses what was published less than a day ago.
func (r Report) berry() string {
	env := "YARN_NPM_REGISTRY_SERVER=" + shellWord(r.PreviewRegistry()) + " YARN_NPM_MINIMAL_AGE_GATE=0 "
	if host := r.plainHost(); host != "" {
		env += "YARN_UNSAFE_HTTP_WHITELIST=" + shellWord(host) + " "
	}
	return env
}

// plainHost is the registry's host if it is asked over plain http.
func (r Report) plainHost() string {
	u, err := url.Parse(r.RegistryURL)
	if err != nil || u.Scheme != "http" {
		return ""
	}
	return u.Hostname()
}

func (r fromRegistry) run(m manager, p Package, bin string) []line {
	root, spec := shellWord(r.PreviewRegistry()), shellWord(r.Spec(p))
	var words string
	switch m {
	case npm:
		words = "npx -y --registry " + root + " -p " + spec
	case pnpm:
		words = "pnpm dlx --registry " + root + " --package=" + spec
	case yarn:
		words = r.berry() + "yarn dlx -p " + spec
	case bun:
		words = "bunx --registry " + root + " -p " + spec
	}
	return []line{{"", words + " " + shellWord(bin)}}
}
