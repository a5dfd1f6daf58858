package httpkit

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// accepts returns a notAcceptable error if the request's Accept headers rule out
// the media type (RFC 9110 §12.5.1: the most specific range decides, q=0 refuses).
func accepts(r *http.Request, mediaType string) error {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" || quality(header, mediaType) > 0 {
		return nil
	}
	return fault.New(notAcceptable, "this address answers %s, which the request's Accept header (%.200s) rules out", mediaType, header)
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

// Prefers reports whether the request's Accept headers name the media type a
// with at least the weight of b, and not only by a wildcard.
func Prefers(r *http.Request, a, b string) bool {
	qa, qb := -1.0, 0.0
	for _, header := range r.Header["Accept"] {
		for header != "" {
			var value, params string
			value, params, header = nextRange(header)
			switch {
			case strings.EqualFold(value, a):
				qa = weight(params)
			case strings.EqualFold(value, b):
				qb = weight(params)
			}
		}
	}
	return qa > 0 && qa >= qb
}

// AcceptsGzip reports whether the answer may be compressed by gzip (RFC 9110 §12.5.3).
func AcceptsGzip(r *http.Request) bool {
	gzip, all := -1.0, 0.0
	for _, header := range r.Header["Accept-Encoding"] {
		for header != "" {
			var value, params string
			value, params, header = nextRange(header)
			switch {
			case strings.EqualFold(value, "gzip"), strings.EqualFold(value, "x-gzip"):
				gzip = weight(params)
			case value == "*":
				all = weight(params)
			}
		}
	}
	return gzip > 0 || gzip < 0 && all > 0
}

// nextRange cuts the first of a list of values with parameters.
func nextRange(list string) (value, params, rest string) {
	value, rest, _ = strings.Cut(list, ",")
	value, params, _ = strings.Cut(value, ";")
	return strings.TrimSpace(value), params, rest
}

// weight reads the q of parameters, 1 if there is none.
func weight(params string) float64 {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}

// Matches reports whether If-None-Match names the ETag (given without quotes),
// by the weak comparison of RFC 9110 §13.1.2. The ETag must not have a comma.
func Matches(r *http.Request, etag string) bool {
	for _, header := range r.Header["If-None-Match"] {
		for part := range strings.SplitSeq(header, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			if part == "*" || len(part) == len(etag)+2 && part[0] == '"' && part[len(part)-1] == '"' && part[1:len(part)-1] == etag {
				return true
			}
		}
	}
	return false
}
