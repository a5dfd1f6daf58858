package httpkit

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// MediaType returns the media type of the request's body and its parameters,
// or an unsupportedMediaType error naming what is taken.
func MediaType(r *http.Request, taken ...string) (string, map[string]string, error) {
	header := r.Header.Get("Content-Type")
	mt, params, err := mime.ParseMediaType(header)
	if err != nil || !slices.Contains(taken, mt) {
		return "", nil, fault.New(unsupportedMediaType, "Unsupported content type %.100q; send %s", header, strings.Join(taken, " or "))
	}
	return mt, params, nil
}
