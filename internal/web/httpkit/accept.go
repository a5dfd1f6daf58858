package httpkit

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// Accepts returns a NotAcceptable error if the request's Accept headers rule out
// the media type (RFC 9110 §12.5.1: the most specific range decides, q=0 refuses).
func Accepts(r *http.Request, mediaType string) error {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" || quality(header, mediaType) > 0 {
		return nil
	}
	return fault.New(NotAcceptable, "this address answers %s, which the request's Accept header (%.200s) rules out", mediaType, header)
}

func quality(header, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	best, q := 0, 0.0
	for part := range strings.SplitSeq(header, ",") {
		mt, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight := 0
		switch mt {
		case mediaType:
			weight = 3
		case major + "/*":
			weight = 2
		case "*/*":
			weight = 1
		}
		if weight <= best {
			continue
		}
		best, q = weight, 1
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
	}
	return q
}
