package npmapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"

	"github.com/org/registry-action/internal/web/httpkit"
)

// worthPacking is the size in bytes from which an answer is compressed: less fits one packet.
const worthPacking = 1400

// json answers a read: revalidated each time, compressed if that pays.
func (s *site) json(w http.ResponseWriter, r *http.Request, v any) error {
	return s.sendJSON(w, r, s.headers.revalidate[0], v)
}

// personal is json for what only the caller may see, on a public server too.
func (s *site) personal(w http.ResponseWriter, r *http.Request, v any) error {
	return s.sendJSON(w, r, httpkit.PrivateRevalidate, v)
}

func (s *site) sendJSON(w http.ResponseWriter, r *http.Request, cache string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	etag, h := hex.EncodeToString(sum[:16]), w.Header()
	h.Set("Vary", "Accept-Encoding")
	if len(text) > worthPacking && httpkit.AcceptsGzip(r) {
		if text, err = s.pack(text); err != nil {
			return err
		}
		etag += "-gz"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Cache-Control", cache)
	if httpkit.Matches(r, etag) {
		return notModified(w)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, err = w.Write(text)
	}
	return err
}

func (s *site) pack(text []byte) ([]byte, error) {
	z, ok := s.writers.Get().(*gzip.Writer)
	if !ok {
		z = gzip.NewWriter(nil)
	}
	defer s.writers.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// notModified answers 304, whose header has what the 200 would have, but for the body's.
func notModified(w http.ResponseWriter) error {
	w.Header().Del("Content-Encoding")
	w.WriteHeader(http.StatusNotModified)
	return nil
}

// done answers a write.
func done(w http.ResponseWriter, r *http.Request, status int, members ...any) error {
	v := map[string]any{"ok": true, "success": true}
	for i := 0; i+1 < len(members); i += 2 {
		v[members[i].(string)] = members[i+1]
	}
	return httpkit.JSON(w, r, status, v)
}

// secret answers what nobody may keep.
func (s *site) secret(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}
