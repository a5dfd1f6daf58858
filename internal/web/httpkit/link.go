package httpkit

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Linkable reports whether a request may be answered by a link to where the bytes are: a plain GET of all of them.
// What asks for a part, or for news, knows our ETag and is answered here, and so is a HEAD.
func Linkable(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == ""
}

// Link sends the client to a signed URL, which nobody may keep: it ends soon. It reports false, and does nothing, if
// there is none or the client could not use it. base is the server's public URL.
func Link(w http.ResponseWriter, r *http.Request, base, to string) bool {
	if to == "" || takesCredentialsTo(r, base, to) {
		return false
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", to)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
	return true
}

// takesCredentialsTo reports whether a client may send its credentials along to another address, where a signed URL
// is refused with any beside it. Clients drop them for another host, but npm and Yarn 1 keep them for another port of
// the same, and others for hosts below it.
// Which host that is says the request or, if a proxy has put another name into it, the server's public URL.
func takesCredentialsTo(r *http.Request, base, to string) bool {
	if r.Header.Get("Authorization") == "" {
		return false
	}
	there, err := url.Parse(to)
	if err != nil {
		return true
	}
	public, err := url.Parse(base)
	if err != nil {
		return true
	}
	asked, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		asked = strings.Trim(r.Host, "[]") // it has no port
	}
	return isAt(there.Hostname(), asked) || isAt(there.Hostname(), public.Hostname())
}

// isAt reports whether a host is another, or below it.
func isAt(host, other string) bool {
	host, other = strings.ToLower(host), strings.ToLower(other)
	return host == other || strings.HasSuffix(host, "."+other)
}
