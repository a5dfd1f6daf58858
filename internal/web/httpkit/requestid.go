package httpkit

import (
	"math/rand/v2"
	"net/http"
)

// requestID is the id of the request that is answered, "" if nothing stands
// before its handler.
func requestID(w http.ResponseWriter) string {
	if rec := recorderOf(w); rec != nil {
		return rec.requestID()
	}
	return ""
}

// requestID is that of the request's X-Request-Id if a proxy set a clean one, else made.
func (r *recorder) requestID() string {
	if r.id == "" {
		if r.id = r.request.Header.Get("X-Request-Id"); !cleanID(r.id) {
			r.id = newID()
		}
	}
	return r.id
}

// newID makes an id: it tells requests apart and is no secret.
func newID() string {
	const digits = "0123456789abcdef"
	var id [16]byte
	n := rand.Uint64()
	for i := range id {
		id[i] = digits[n&15]
		n >>= 4
	}
	return string(id[:])
}

func cleanID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
