package server

import "net/http"

// pages answers who wants a page with it, and leaves the rest to the protocols, whose answers at a page's address
// say that they are chosen by Accept.
func (c Config) pages(next http.Handler) http.Handler {
	if c.Pages == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch page, here := c.Pages.Wants(r); {
		case page:
			c.Pages.ServeHTTP(w, r)
			return
		case here:
			w.Header().Set("Vary", "Accept")
		}
		next.ServeHTTP(w, r)
	})
}
