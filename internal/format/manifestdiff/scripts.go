package manifestdiff

// Script is one that npm runs where a package is installed as a dependency, and that was added (no Before) or runs
// something else.
type Script struct {
	Name          string // "preinstall", "install" or "postinstall"
	Before, After string // the command; "node-gyp rebuild" for a binding.gyp where no script says how to install
}

// installScripts run where a package is installed as a dependency. prepare is none of them: npm runs it for folders and
// repositories, not for tarballs.
var installScripts = []string{"preinstall", "install", "postinstall"}

// Scripts lists what runs at install after, and did not before. A script that is gone runs nothing.
func Scripts(before, after Manifest) []Script {
	old, now := members(before.npm.Get("scripts")), members(after.npm.Get("scripts"))
	var changed []Script
	for _, name := range installScripts {
		was, is := old.Text(name), now.Text(name)
		if is != "" && before.neutral(was) != after.neutral(is) {
			changed = append(changed, Script{name, was, is})
		}
	}
	return changed
}
