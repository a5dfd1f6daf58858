package httpkit

import (
	"io"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/jsonstream"
)

// Upload is the body of a publish: a form with files, or a JSON text with
// tarballs in base64.
type Upload struct {
	io.Reader
	JSON     bool
	Boundary string // of a form
}

// UploadBody is Body for a publish with files of at most maxFiles bytes, and
// maxText bytes beside them. The request must say which of the two forms it has.
func UploadBody(w http.ResponseWriter, r *http.Request, maxFiles, maxText int64) (Upload, error) {
	mt, params, err := MediaType(r, "multipart/form-data", "application/json")
	if err != nil {
		return Upload{}, err
	}
	body, err := Body(w, r, Base64Limit(maxFiles, maxText))
	return Upload{Reader: body, JSON: mt == "application/json", Boundary: params["boundary"]}, err
}

// Base64Limit is what a JSON text may have that holds files of at most maxFiles
// bytes in base64, and maxText bytes beside them; as much again is for how they are written.
func Base64Limit(maxFiles, maxText int64) int64 {
	return maxFiles/3*4 + 2*maxText // base64 needs four bytes for three
}

// TarballJSON reads {"tarball": "<base64>", …} and hands the tarball's bytes to
// receive as they come; members of that name further inside are left alone. The
// text, of at most maxText bytes, is returned with true in the tarball's place.
func TarballJSON(body io.Reader, maxText int64, receive func(io.Reader) error) ([]byte, error) {
	top := func(place []string) bool { return len(place) == 0 }
	text, err := jsonstream.ExtractWhere(body, "tarball", top, maxText, func(r io.Reader) (any, error) {
		return true, receive(r)
	})
	if e, ok := fault.Public(err); ok && e.Code == jsonstream.InvalidBase64 {
		err = InWords(err, fault.Invalid, badBase64)
	}
	return text, err
}

// badBase64 is what Pantry says of a tarball that is not base64.
const badBase64 = "Invalid base64 tarball data"

// TarballNoString refuses a tarball that is no JSON string at all.
func TarballNoString() error {
	return fault.New(fault.Invalid, "%s: \"tarball\" is not a string", badBase64).WithCode(jsonstream.InvalidBase64)
}

// MissingPart refuses a publish that lacks something.
func MissingPart(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode("missing_part")
}

// SentTwice refuses what a publish has once; what names it.
func SentTwice(what string) error {
	return fault.New(fault.Invalid, "the %s is sent twice", what)
}

// InWords puts the words of an API in front of a refusal of one kind, unless it
// begins with them. The rest of it stays.
func InWords(err error, kind fault.Kind, words string) error {
	e, ok := fault.Public(err)
	if !ok || e.Kind != kind || strings.HasPrefix(e.Message, words) {
		return err
	}
	out := *e
	out.Message = words + ": " + e.Message
	return &out
}
