package httpkit

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// Token returns the token of the Authorization header: Bearer, or bare as some clients send it.
func Token(r *http.Request) string {
	h := strings.TrimSpace(r.Header.Get("Authorization"))
	if scheme, rest, ok := strings.Cut(h, " "); ok {
		if !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimSpace(rest)
	}
	return h
}

// Local reports whether the request was made on this machine, straight to us:
// from a loopback address, to a loopback name (a page that rebinds its own name
// to 127.0.0.1 keeps its name), through no proxy that says it is one.
func Local(r *http.Request) bool {
	for h := range r.Header {
		if strings.HasPrefix(h, "X-Forwarded-") || slices.Contains([]string{"Forwarded", "Via", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"}, h) {
			return false
		}
	}
	return isLoopback(r.RemoteAddr) && isLoopback(r.Host)
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
