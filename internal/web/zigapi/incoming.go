package zigapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
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
		return httpkit.SentTwice("tarball")
	}
	in.release.Upload, err = in.api.Packages.Receive(ctx, in.who, r)
	return httpkit.InWords(err, fault.TooLarge, "Tarball exceeds maximum size")
}

// readForm reads the parts "tarball", "manifest" and "description", in any order.
func (in *incoming) readForm(ctx context.Context, body httpkit.Upload) error {
	in.seen = map[string]bool{}
	err := httpkit.ReadForm(body, body.Boundary, func(p *httpkit.Part) error { return in.readPart(ctx, p) })
	if err != nil {
		return err
	}
	if in.release.Upload == nil {
		return httpkit.MissingPart("Missing tarball: send the archive as the part \"tarball\"")
	}
	return nil
}

func (in *incoming) readPart(ctx context.Context, part *httpkit.Part) (err error) {
	name := part.Name
	switch name {
	case "tarball":
		return in.receive(ctx, part)
	case "manifest", "description":
	default:
		return part.Unknown(`"tarball", "manifest" and "description"`)
	}
	if in.seen[name] {
		return httpkit.SentTwice(name)
	}
	in.seen[name] = true
	text, err := part.Text(maxText, fmt.Sprintf("the %s has more than %d bytes", name, maxText))
	if err != nil {
		return err
	}
	if name == "manifest" {
		in.release.Manifest = text
	} else {
		in.release.Description = string(text)
	}
	return nil
}

// readJSON reads {"tarball": "<base64>", "manifest": "…", "description": "…"}, in any order.
func (in *incoming) readJSON(ctx context.Context, body io.Reader) error {
	text, err := httpkit.TarballJSON(body, maxText, func(r io.Reader) error { return in.receive(ctx, r) })
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
		return httpkit.MissingPart("Missing tarball: send {\"tarball\": \"<base64>\"}")
	case in.release.Upload == nil:
		return httpkit.TarballNoString()
	}
	if request.Manifest != "" {
		in.release.Manifest = []byte(request.Manifest)
	}
	in.release.Description = request.Description
	return nil
}
