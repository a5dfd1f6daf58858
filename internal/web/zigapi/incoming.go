package zigapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/jsonstream"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxText bounds the manifest, the description, and what else is in a publish
// beside its archive, in bytes. A build.zig.zon has at most half of it.
const maxText = 2 << 20

// incoming is a publish that is being received.
type incoming struct {
	api     *API
	who     auth.Principal
	release zigpackages.Release
	seen    map[string]bool // parts that came
}

func (in *incoming) close() {
	if in.release.Upload == nil {
		return
	}
	if err := in.release.Upload.Close(); err != nil {
		in.api.Log.Warn("removing an upload's files", "err", err)
	}
}

func (in *incoming) receive(ctx context.Context, r io.Reader) (err error) {
	if in.release.Upload != nil {
		return fault.New(fault.Invalid, "the tarball is sent twice")
	}
	in.release.Upload, err = in.api.Packages.Receive(ctx, in.who, r)
	return inWords(err, fault.TooLarge, "Tarball exceeds maximum size")
}

// readForm reads the parts "tarball", "manifest" and "description", in any order.
func (in *incoming) readForm(ctx context.Context, body io.Reader, boundary string) error {
	in.seen = map[string]bool{}
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return formError(err)
		}
		if err := in.readPart(ctx, part); err != nil {
			return err
		}
	}
	if in.release.Upload == nil {
		return missing("Missing tarball: send the archive as the part \"tarball\"")
	}
	return nil
}

func (in *incoming) readPart(ctx context.Context, part *multipart.Part) (err error) {
	name := part.FormName()
	switch name {
	case "tarball":
		return in.receive(ctx, content{part})
	case "manifest", "description":
	default:
		return fault.New(fault.Invalid, "part %.100q is not known here; send \"tarball\", \"manifest\" and \"description\"", name)
	}
	if in.seen[name] {
		return fault.New(fault.Invalid, "the %s is sent twice", name)
	}
	in.seen[name] = true
	text, err := io.ReadAll(io.LimitReader(content{part}, maxText+1))
	if err != nil {
		return err
	}
	if len(text) > maxText {
		return fault.New(fault.TooLarge, "the %s has more than %d bytes", name, maxText)
	}
	if name == "manifest" {
		in.release.Manifest = text
	} else {
		in.release.Description = string(text)
	}
	return nil
}

// content is what a part holds; a form that ends inside it is broken.
type content struct{ *multipart.Part }

func (c content) Read(p []byte) (int, error) {
	n, err := c.Part.Read(p)
	if err != nil && err != io.EOF {
		err = formError(err)
	}
	return n, err
}

// formError makes an error of the form's syntax public.
func formError(err error) error {
	if _, ok := fault.Public(err); ok {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "the multipart body is broken: %v", err)
}

// badBase64 is what Pantry says of a tarball that is not base64.
const badBase64 = "Invalid base64 tarball data"

// readJSON reads {"tarball": "<base64>", "manifest": "…", "description": "…"}, in any order.
func (in *incoming) readJSON(ctx context.Context, body io.Reader) error {
	top := func(place []string) bool { return len(place) == 0 }
	text, err := jsonstream.ExtractWhere(body, "tarball", top, maxText, func(r io.Reader) (any, error) {
		return true, in.receive(ctx, r)
	})
	if e, ok := fault.Public(err); ok && e.Code == jsonstream.InvalidBase64 {
		return inWords(err, fault.Invalid, badBase64)
	}
	if err != nil {
		return err
	}
	var request struct {
		Tarball     json.RawMessage `json:"tarball"`
		Manifest    string          `json:"manifest"`
		Description string          `json:"description"`
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return httpkit.JSONError(httpkit.JSONBody, err)
	}
	switch {
	case request.Tarball == nil:
		return missing("Missing tarball: send {\"tarball\": \"<base64>\"}")
	case in.release.Upload == nil:
		return fault.New(fault.Invalid, "%s: \"tarball\" is not a string", badBase64).WithCode(jsonstream.InvalidBase64)
	}
	if request.Manifest != "" {
		in.release.Manifest = []byte(request.Manifest)
	}
	in.release.Description = request.Description
	return nil
}

func missing(text string) error {
	return fault.New(fault.Invalid, "%s", text).WithCode("missing_part")
}
