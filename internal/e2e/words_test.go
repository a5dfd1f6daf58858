package e2e

import "github.com/org/registry-action/internal/clients"

// words are what a client calls things, for bash: "" for what it does not have.
type words struct {
	publish string // $flags
	again   string // publish of a version that the client knows to be there
	lock    string // the lockfile

	whoami, ping, logout        string
	view                        string // $pkg
	search                      string // $text
	tags, tag, untag            string // $pkg, $tag
	deprecate, undeprecate      string // $pkg
	owners, addOwner, dropOwner string // $pkg, $user
	unpublish                   string // $pkg
	star, unstar, stars         string // $pkg
	access, owned, setAccess    string // $pkg; $user; $access
	profile, setName            string // $text
	tokens, newToken, endToken  string // $flags; $key
	audit, auditSignatures      string
	stage                       string // subcommands follow
	stageThis                   string
}

func (m manager) words() words {
	switch m.tool {
	case clients.NPM11:
		w := npmWords()
		w.star, w.unstar, w.stars = "npm star $pkg", "npm unstar $pkg", "npm stars"
		return w
	case clients.NPM12:
		return npmWords()
	case clients.PNPM:
		return pnpmWords()
	case clients.Yarn1:
		return words{
			publish: "yarn publish --non-interactive $flags", again: "yarn publish --non-interactive",
			lock:   "yarn.lock",
			logout: "yarn logout", view: "yarn info $pkg",
			tags: "yarn tag list $pkg", tag: "yarn tag add $pkg $tag", untag: "yarn tag remove $pkg $tag",
			owners: "yarn owner list $pkg", // it can't change them: it sends back what the abbreviated packument has
		}
	case clients.Yarn4:
		return words{
			publish: "yarn install >&2 && yarn npm publish $flags", again: "yarn npm publish",
			lock:   "yarn.lock",
			whoami: "yarn npm whoami", logout: "yarn npm logout", view: "yarn npm info $pkg",
			tags: "yarn npm tag list $pkg", tag: "yarn npm tag add $pkg $tag", untag: "yarn npm tag remove $pkg $tag",
			audit: "yarn npm audit --all --recursive",
			stage: "yarn npm stage", stageThis: "yarn install >&2 && yarn npm publish --staged",
		}
	case clients.Bun:
		return words{
			publish: "bun publish $flags", again: "bun publish",
			lock:   "bun.lock",
			whoami: "bun pm whoami", view: "bun info $pkg", audit: "bun audit",
		}
	}
	return words{}
}

func npmWords() words {
	return words{
		// npm looks first whether the version is there, unless forced.
		publish: "npm publish $flags", again: "npm publish --force",
		lock:   "package-lock.json",
		whoami: "npm whoami", ping: "npm ping", logout: "npm logout",
		view: "npm view $pkg", search: "npm search $text",
		tags: "npm dist-tag ls $pkg", tag: "npm dist-tag add $pkg $tag", untag: "npm dist-tag rm $pkg $tag",
		deprecate: `npm deprecate $pkg "$text"`, undeprecate: "npm undeprecate $pkg",
		owners: "npm owner ls $pkg", addOwner: "npm owner add $user $pkg", dropOwner: "npm owner rm $user $pkg",
		unpublish: "npm unpublish --force $pkg",
		access:    "npm access get status $pkg", owned: "npm access list packages $user", setAccess: "npm access set status=$access $pkg",
		profile: "npm profile get", setName: `npm profile set fullname "$text"`,
		tokens: "npm token list", newToken: "npm token create $flags", endToken: "npm token revoke $key",
		audit: "npm audit", auditSignatures: "npm audit signatures",
		stage: "npm stage", stageThis: "npm stage publish",
	}
}

func pnpmWords() words {
	return words{
		publish: "pnpm publish --no-git-checks $flags", again: "pnpm publish --no-git-checks",
		lock:   "pnpm-lock.yaml",
		whoami: "pnpm whoami", ping: "pnpm ping", logout: "pnpm logout",
		view: "pnpm view $pkg", search: "pnpm search $text",
		tags: "pnpm dist-tag ls $pkg", tag: "pnpm dist-tag add $pkg $tag", untag: "pnpm dist-tag rm $pkg $tag",
		deprecate: `pnpm deprecate $pkg "$text"`, undeprecate: "pnpm undeprecate $pkg",
		owners: "pnpm owner ls $pkg", addOwner: "pnpm owner add $pkg $user", dropOwner: "pnpm owner rm $pkg $user",
		unpublish: "pnpm unpublish --force $pkg",
		star:      "pnpm star $pkg", unstar: "pnpm unstar $pkg", stars: "pnpm stars",
		access: "pnpm access get status $pkg", owned: "pnpm access list packages $user", setAccess: "pnpm access set status=$access $pkg",
		profile: "pnpm profile get", setName: `pnpm profile set fullname "$text"`,
		tokens: "pnpm token list", newToken: "pnpm token create", endToken: "pnpm token revoke $key",
		audit: "pnpm audit", auditSignatures: "pnpm audit signatures",
		stage: "pnpm stage", stageThis: "pnpm stage publish --no-git-checks",
	}
}
