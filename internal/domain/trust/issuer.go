package trust

import (
	"net"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// GitHub is the issuer of GitHub Actions on github.com.
const GitHub = "https://token.actions.githubusercontent.com"

// Issuer is who signs tokens of runs.
type Issuer struct {
	URL      string // exactly as its tokens have it in iss
	Forge    string // the URL of the forge whose runs they are, such as https://github.com
	KeysFile string // a file with its keys (JWKS), for a server that can't reach it; empty: they are asked for
}

// ParseIssuers reads issuers as people write them: a URL, with what is not to be guessed behind it, as in
// https://git.example.com/api/actions;forge=https://git.example.com;keys=/etc/keys.json. None at all is GitHub.
func ParseIssuers(written []string) ([]Issuer, error) {
	if len(written) == 0 {
		return []Issuer{{URL: GitHub, Forge: "https://github.com"}}, nil
	}
	var all []Issuer
	for _, text := range written {
		i, err := parseIssuer(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

func parseIssuer(text string) (Issuer, error) {
	parts := strings.Split(text, ";")
	u, err := secureURL(parts[0])
	if err != nil {
		return Issuer{}, err
	}
	i := Issuer{URL: parts[0], Forge: forgeOf(u)}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "forge":
			f, err := secureURL(value)
			if err != nil {
				return Issuer{}, err
			}
			i.Forge = f.Scheme + "://" + f.Host
		case "keys":
			i.KeysFile = value
		default:
			return Issuer{}, fault.New(fault.Invalid, "%.100q is not known of an issuer; behind its URL there may be ;forge=URL and ;keys=FILE (OIDC_ISSUERS)", part)
		}
	}
	return i, nil
}

// secureURL reads a URL that keys may come from: on the way they can't be changed.
func secureURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)) {
		return nil, fault.New(fault.Invalid, "%.200q is no address of an issuer or a forge: expected https://host, with no user and no query (OIDC_ISSUERS)", text)
	}
	return u, nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// forgeOf is the forge that an issuer belongs to: GitHub's are elsewhere, those of GitHub Enterprise Server and Forgejo
// are below the forge.
func forgeOf(u *url.URL) string {
	const prefix, enterprise = "token.actions.", ".ghe.com"
	switch host := u.Host; {
	case host == "token.actions.githubusercontent.com": // with the name of an enterprise behind it, too
		return "https://github.com"
	case strings.HasPrefix(host, prefix) && strings.HasSuffix(host, enterprise):
		return "https://" + strings.TrimPrefix(host, prefix)
	}
	return u.Scheme + "://" + u.Host
}

// hosted reports whether the issuer's runs can be on runners that are the forge's own.
func (i Issuer) hosted() bool {
	return i.Forge == "https://github.com" || strings.HasSuffix(i.Forge, ".ghe.com")
}

// repository is the URL of a repository of the issuer's forge, as commits name it.
func (i Issuer) repository(name string) string {
	_, host, _ := strings.Cut(i.Forge, "://")
	return "https://" + host + "/" + name
}
