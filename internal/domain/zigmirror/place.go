package zigmirror

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
)

// GitHub is the host that addresses of the mirror have a short form for.
const GitHub = "github.com"

// Place names an archive of a forge.
type Place struct {
	Host  string
	Owner string // "~name" at SourceHut
	Repo  string
	Ref   string // a commit, a tag or a branch, which may have slashes
}

// The bounds of a Place, in bytes.
const (
	maxName = 100
	maxRef  = 250
	maxHost = 253
)

var (
	hostForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)
	ownerForm = regexp.MustCompile(`^~?[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	repoForm  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	refForm   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+@-]*(/[A-Za-z0-9_][A-Za-z0-9._+@-]*)*$`)
	commit    = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// ParseHosts checks the hosts of a mirror and returns them in lower case, each once. fault.Invalid for all that is not
// the public name of a host: an address, a URL, a name with a port.
func ParseHosts(list []string) ([]string, error) {
	var hosts []string
	for _, text := range list {
		host := text
		if isASCII(text) {
			host = strings.ToLower(text)
		}
		_, err := netip.ParseAddr(host)
		if len(host) > maxHost || !hostForm.MatchString(host) || err == nil || egress.Numeric(host) || egress.InternalName(host) {
			return nil, fault.New(fault.Invalid, "%.100q is no host that can be mirrored; give names of public hosts, such as github.com,codeberg.org, without https://, port or path (ZIG_MIRROR)", text)
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// Fixed reports whether the place has the same content for good.
func (p Place) Fixed() bool { return commit.MatchString(p.Ref) }

// URL is where the forge has the archive.
func (p Place) URL() string {
	u := url.URL{Scheme: "https", Host: p.Host, Path: "/" + p.Owner + "/" + p.Repo + "/archive/" + p.Ref + ".tar.gz"}
	return u.String()
}

// check refuses what is asked of no forge. A host must be one of the list as it is
// written there: no other case, no port, no dot at its end leads to it.
func (s *Service) check(p Place) error {
	if !slices.Contains(s.hosts, p.Host) {
		return fault.New(fault.Forbidden, "archives of %.100q are not mirrored here; only those of the hosts that its operator lists are: %s (ZIG_MIRROR)", p.Host, strings.Join(s.hosts, ", ")).WithCode("host_not_mirrored")
	}
	switch {
	case len(p.Owner) > maxName || !ownerForm.MatchString(p.Owner) || strings.Contains(p.Owner, ".."):
		return badPlace("%.100q is no owner of a repository: at most %d letters, digits, '-', '_' and '.'", p.Owner, maxName)
	case len(p.Repo) > maxName || !repoForm.MatchString(p.Repo) || p.Repo == "." || strings.Contains(p.Repo, ".."):
		return badPlace("%.100q is no name of a repository: at most %d letters, digits, '-', '_' and '.'", p.Repo, maxName)
	case len(p.Ref) > maxRef || !refForm.MatchString(p.Ref) || strings.Contains(p.Ref, ".."):
		return badPlace("%.100q is no commit, tag or branch: at most %d letters, digits, '-', '_', '.', '+', '@' and single '/'", p.Ref, maxRef)
	}
	return nil
}

func badPlace(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode("bad_place")
}
