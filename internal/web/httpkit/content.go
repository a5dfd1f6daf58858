package httpkit

import (
	"io"
	"mime"
	"net/http"
	"time"
)

// The ages of what we serve.
const (
	Immutable         = "public, max-age=31536000, immutable" // the bytes behind the address never change
	Revalidate        = "public, no-cache"                    // ask each time; the ETag makes it cheap
	PrivateImmutable  = "private, max-age=31536000, immutable"
	PrivateRevalidate = "private, no-cache"
)

// Content is stored bytes to be served.
type Content struct {
	Reader      io.ReadSeeker
	Size        int64
	ETag        string // without quotes; names the bytes
	ContentType string
	Filename    string // for Content-Disposition; empty: none
	ModTime     time.Time
	Cache       string // Cache-Control
}

// sectionWriter is a reader that knows how to hand its files to the kernel.
type sectionWriter interface {
	WriteSection(w io.Writer, n int64) (int64, error)
}

// Serve sends stored bytes: GET and HEAD, ranges, conditions.
func Serve(w http.ResponseWriter, r *http.Request, c Content) {
	h := w.Header()
	h.Set("ETag", `"`+c.ETag+`"`)
	h.Set("Cache-Control", c.Cache)
	h.Set("Content-Type", c.ContentType)
	if c.Filename != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.Filename}))
	}
	// The ETag is the only validator: Last-Modified would let caches guess an age.
	http.ServeContent(&sectionResponse{ResponseWriter: w}, r, "", time.Time{}, c.Reader)
}

// sectionResponse sends what http.ServeContent copies section by section, so
// that a plain file in it goes out by sendfile.
type sectionResponse struct{ http.ResponseWriter }

func (s *sectionResponse) ReadFrom(src io.Reader) (int64, error) {
	if limited, ok := src.(*io.LimitedReader); ok {
		if sections, ok := limited.R.(sectionWriter); ok {
			n, err := sections.WriteSection(s.ResponseWriter, limited.N)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(s.ResponseWriter, src)
}

// Unwrap lets http.ResponseController through.
func (s *sectionResponse) Unwrap() http.ResponseWriter { return s.ResponseWriter }
