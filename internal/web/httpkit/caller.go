package httpkit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Credentials are what a request shows of who makes it; nothing of it is checked.
type Credentials struct {
	User   string     // of Basic; empty with a token
	Secret string     // a bearer token, a bare one as some clients send it, or the password of Basic
	Local  bool       // see Local
	Addr   netip.Addr // see Remote
}

// CredentialsOf reads the Authorization header and where the request comes from.
func CredentialsOf(r *http.Request) Credentials {
	c := Credentials{Local: Local(r), Addr: Remote(r)}
	h := strings.TrimSpace(r.Header.Get("Authorization"))
	scheme, rest, ok := strings.Cut(h, " ")
	switch rest = strings.TrimSpace(rest); {
	case !ok:
		c.Secret = h
	case strings.EqualFold(scheme, "Bearer"):
		c.Secret = rest
	case strings.EqualFold(scheme, "Basic"):
		c.User, c.Secret = basic(rest)
	}
	return c
}

// SameSecret compares secrets in a time that tells nothing of either, nor of their lengths.
func SameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// basic reads user:secret; a URL of the form https://token@host gives the token alone.
func basic(text string) (user, secret string) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", ""
	}
	user, secret, _ = strings.Cut(string(b), ":")
	if secret == "" {
		return "", user
	}
	return user, secret
}

// Remote is the address at the other end of the connection: a client, or the
// proxy in front of us. What headers say of it is not believed.
func Remote(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Local reports whether the request was made on this machine, straight to us:
// from a loopback address, to a loopback name (a page that rebinds its own name
// to 127.0.0.1 keeps its name), on nobody else's behalf.
func Local(r *http.Request) bool {
	return isLoopback(r.RemoteAddr) && isLoopback(r.Host) && !Relayed(r)
}

// Relayed reports whether who made the connection acts for somebody else: it is a
// proxy that says so, or a browser that shows a page of another site. Such a page
// may read what everybody may, and must not read what only this machine may.
func Relayed(r *http.Request) bool {
	for h := range r.Header {
		if strings.HasPrefix(h, "X-Forwarded-") || slices.Contains([]string{"Forwarded", "Via", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"}, h) {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none": // as http.CrossOriginProtection has it
		return false
	case "":
		origin := r.Header.Get("Origin")
		u, err := url.Parse(origin)
		return origin != "" && (err != nil || !strings.EqualFold(u.Host, r.Host))
	}
	return true
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}
