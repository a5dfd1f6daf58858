package manifestdiff

// Rebuild is how Scripts names what npm runs for a binding.gyp where no script says how to install.
const Rebuild = "node-gyp rebuild"

// installScripts run where a package is installed as a dependency. prepare is none of them: npm runs it for folders and
// repositories, not for tarballs.
var installScripts = []string{"preinstall", "install", "postinstall"}

// Scripts lists the scripts that run at install after and did not before, whatever they do.
func Scripts(before, after Manifest) []string {
	old := before.runs()
	var added []string
	for _, script := range installScripts {
		if name := after.runs()[script]; name != "" && old[script] != name {
			added = append(added, name)
		}
	}
	return added
}

// runs maps each of installScripts that npm runs to what it is called: Rebuild, or like the script.
func (m Manifest) runs() map[string]string {
	all := map[string]string{}
	scripts, written := members(m.npm.Get("scripts")), members(m.written.Get("scripts"))
	for _, script := range installScripts {
		switch {
		case scripts.Text(script) == "":
		case written.Text(script) == "":
			all[script] = Rebuild
		default:
			all[script] = script
		}
	}
	return all
}
