package commits

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// defaultForge hosts a repository that is named by owner/repo alone.
const defaultForge = "github.com"

// Repository is where a commit comes from. Host, owner and name are compared
// without regard to case, as forges do.
type Repository struct {
	Host string // "github.com"
	Path string // "owner/repo", as written
}

var (
	repoPath = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){1,5}$`)
	repoHost = regexp.MustCompile(`^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$`)
	scpForm  = regexp.MustCompile(`^[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):([^/].*)$`)
)

// ParseRepository reads a repository's URL (https, ssh, git, scp form), the
// npm shorthand "github:owner/repo", or plain "owner/repo". The port of ssh is
// not part of the name: the same repository has another one for https.
func ParseRepository(s string) (Repository, error) {
	host, path := split(strings.TrimPrefix(strings.TrimSpace(s), "git+"))
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".git")
	if !repoHost.MatchString(host) || !repoPath.MatchString(path) || hasDots(path) || strings.HasSuffix(path, ".git") {
		return Repository{}, fault.New(fault.Invalid,
			"%.200q is not a repository: expected https://host/owner/repo or owner/repo", withoutUser(s)).WithCode("invalid_repository")
	}
	return Repository{Host: strings.ToLower(host), Path: path}, nil
}

func split(s string) (host, path string) {
	if rest, ok := strings.CutPrefix(s, "github:"); ok {
		return defaultForge, rest
	}
	if m := scpForm.FindStringSubmatch(s); m != nil {
		return m[1], m[2]
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return defaultForge, s
	}
	if u.Scheme == "ssh" {
		return u.Hostname(), strings.TrimPrefix(u.Path, "/")
	}
	return u.Host, strings.TrimPrefix(u.Path, "/")
}

// withoutUser takes what may be a token out of a URL that is shown.
func withoutUser(s string) string {
	if at := strings.LastIndex(s, "@"); at >= 0 && strings.Contains(s, "://") {
		return "…" + s[at:]
	}
	return s
}

// hasDots refuses path parts that a URL would fold away.
func hasDots(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// IsZero reports whether no repository was named.
func (r Repository) IsZero() bool { return r.Path == "" }

// String gives the URL of the repository.
func (r Repository) String() string {
	if r.IsZero() {
		return ""
	}
	return "https://" + r.Host + "/" + r.Path
}

// Same reports whether both name one repository.
func (r Repository) Same(o Repository) bool {
	return strings.EqualFold(r.Host, o.Host) && strings.EqualFold(r.Path, o.Path)
}

// MarshalText stores a repository as its URL.
func (r Repository) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Repository) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = Repository{}
		return nil
	}
	*r, err = ParseRepository(string(b))
	return err
}
