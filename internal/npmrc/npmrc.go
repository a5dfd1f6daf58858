// Package npmrc finds out which registry npm is configured with, as npm does:
// environment, then the .npmrc files of the project, the user and the machine
// (https://docs.npmjs.com/cli/configuring-npm/npmrc).
package npmrc

import (
	"bufio"
	"cmp"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Registry is a registry that npm would ask.
type Registry struct {
	URL   string // without a slash at its end
	Token string // its _authToken; empty if none is configured
	From  string // what names it: a variable or a file
}

// maxFile bounds a .npmrc, in bytes.
const maxFile = 1 << 20

// Find returns the registry of npm's configuration as seen from a folder; ok is
// false if nothing is configured. Files that can't be read count as absent.
func Find(dir string, getenv func(string) string) (r Registry, ok bool) {
	settings := map[string]string{}
	var text string
	for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if text == "" {
			text, r.From = getenv(name), name
		}
	}
	for _, file := range files(dir, getenv) { // the first to name a setting wins
		for key, value := range read(file, getenv) {
			if _, set := settings[key]; !set {
				settings[key] = value
			}
		}
		if text == "" && settings["registry"] != "" {
			text, r.From = settings["registry"], file
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return Registry{}, false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	r.URL = strings.TrimRight(u.String(), "/")
	r.Token = token(settings, u.Host, u.EscapedPath())
	return r, true
}

// token finds the _authToken of the registry, or of a folder above it.
func token(settings map[string]string, host, path string) string {
	path = strings.TrimRight(path, "/")
	for {
		for _, end := range []string{"/", ""} {
			if t := settings["//"+host+path+end+":_authToken"]; t != "" {
				return t
			}
		}
		if path == "" {
			return ""
		}
		path = path[:strings.LastIndex(path, "/")]
	}
}

// files are the .npmrc files in the order in which they count.
func files(dir string, getenv func(string) string) []string {
	list := []string{filepath.Join(dir, ".npmrc")}
	if user := cmp.Or(getenv("npm_config_userconfig"), getenv("NPM_CONFIG_USERCONFIG")); user != "" {
		list = append(list, user)
	} else if home := getenv("HOME"); home != "" {
		list = append(list, filepath.Join(home, ".npmrc"))
	}
	if global := cmp.Or(getenv("npm_config_globalconfig"), getenv("NPM_CONFIG_GLOBALCONFIG")); global != "" {
		return append(list, global)
	}
	prefix := cmp.Or(getenv("npm_config_prefix"), getenv("NPM_CONFIG_PREFIX"), getenv("PREFIX"), nodePrefix())
	if prefix != "" {
		list = append(list, filepath.Join(prefix, "etc", "npmrc"))
	}
	return list
}

// nodePrefix is where node is installed, which npm takes for its own prefix.
func nodePrefix() string {
	node, err := exec.LookPath("node")
	if err != nil {
		return ""
	}
	if node, err = filepath.EvalSymlinks(node); err != nil {
		return ""
	}
	return filepath.Dir(filepath.Dir(node))
}

func read(file string, getenv func(string) string) map[string]string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	settings := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(f, maxFile))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		settings[strings.TrimSpace(key)] = expand(unquote(strings.TrimSpace(value)), getenv)
	}
	return settings
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

var variable = regexp.MustCompile(`\$\{([^}]+)\}`)

// expand replaces ${NAME}; a name that is not set stays as it is, as with npm.
func expand(s string, getenv func(string) string) string {
	return variable.ReplaceAllStringFunc(s, func(ref string) string {
		return cmp.Or(getenv(ref[2:len(ref)-1]), ref)
	})
}
