package restapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/web/httpkit"
)

// incoming is a publish that is being received.
type incoming struct {
	api       *API
	who       auth.Principal
	metadata  packument.Object
	described bool             // metadata came
	tarball   *packages.Upload // nil until it came
}

func (in *incoming) close() {
	if in.tarball == nil {
		return
	}
	if err := in.tarball.Close(); err != nil {
		in.api.Log.Warn("removing an upload's file", "err", err)
	}
}

func (in *incoming) receive(ctx context.Context, r io.Reader) (err error) {
	if in.tarball != nil {
		return httpkit.SentTwice("tarball")
	}
	in.tarball, err = in.api.Packages.Receive(ctx, in.who, r)
	return httpkit.InWords(err, fault.TooLarge, "Tarball exceeds maximum size")
}

// readForm reads the parts "metadata" and "tarball", in any order.
func (in *incoming) readForm(ctx context.Context, body httpkit.Upload) error {
	err := httpkit.ReadForm(body, body.Boundary, func(p *httpkit.Part) error { return in.readPart(ctx, p) })
	if err != nil {
		return err
	}
	switch {
	case !in.described:
		return httpkit.MissingPart("Missing metadata: send the package.json as the part \"metadata\"")
	case in.tarball == nil:
		return httpkit.MissingPart("Missing tarball: send the .tgz as the part \"tarball\"")
	}
	return nil
}

func (in *incoming) readPart(ctx context.Context, part *httpkit.Part) error {
	switch part.Name {
	case "tarball":
		return in.receive(ctx, part)
	case "metadata":
		if in.described {
			return httpkit.SentTwice("metadata")
		}
		text, err := part.Text(maxText, fmt.Sprintf("the metadata has more than %d bytes", maxText))
		if err != nil {
			return err
		}
		return in.describe(text)
	}
	return part.Unknown("\"metadata\" and \"tarball\"")
}

// readJSON reads {"metadata": {…}, "tarball": "<base64>"}, in any order.
func (in *incoming) readJSON(ctx context.Context, body io.Reader) error {
	text, err := httpkit.TarballJSON(body, maxText, func(r io.Reader) error { return in.receive(ctx, r) })
	if err != nil {
		return err
	}
	request, err := packument.ParseObject(text)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "%s: it is not a JSON object", httpkit.JSONBody).WithCode("invalid_json")
	}
	raw := request.Get("metadata")
	if raw == nil || request.Get("tarball") == nil {
		return httpkit.MissingPart("Missing metadata or tarball: send {\"metadata\": {…}, \"tarball\": \"<base64>\"}")
	}
	if in.tarball == nil {
		return httpkit.TarballNoString()
	}
	return in.describe(raw)
}

func (in *incoming) describe(metadata []byte) (err error) {
	in.described = true
	if in.metadata, err = packument.ParseObject(metadata); err != nil {
		return fault.Wrap(err, fault.Invalid, "Invalid metadata JSON: it is not a JSON object").WithCode("invalid_json")
	}
	return nil
}

// release is what is published. The archive decides all that metadata does not
// name here.
func (in *incoming) release() (packages.Release, error) {
	r := packages.Release{Upload: in.tarball, Name: in.metadata.Text("name"), Version: in.metadata.Text("version")}
	if err := checkName(r.Name); err != nil {
		return r, err
	}
	if r.Version == "" {
		return r, fault.New(fault.Invalid, "Package version is required: metadata has no \"version\" that is a string").WithCode("invalid_version")
	}
	if _, err := semver.Clean(r.Version); err != nil {
		return r, fault.Wrap(err, fault.Invalid, "Version contains invalid characters: %.80q is not a semantic version such as 1.2.3 or 1.2.3-beta.1", r.Version).WithCode("invalid_version")
	}
	tag, err := tagOf(in.metadata)
	if tag != "" {
		r.Tags = []string{tag}
	}
	return r, err
}

// tagOf is the dist-tag that metadata asks for: as "tag", or as a package.json
// says it to every client.
func tagOf(metadata packument.Object) (string, error) {
	raw := metadata.Get("tag")
	if raw == nil {
		if config, err := packument.ParseObject(metadata.Get("publishConfig")); err == nil {
			raw = config.Get("tag")
		}
	}
	if raw == nil {
		return "", nil
	}
	var tag string
	if err := json.Unmarshal(raw, &tag); err != nil || tag == "" {
		return "", fault.New(fault.Invalid, "\"tag\" of the metadata is not the name of a dist-tag, such as beta").WithCode("invalid_tag")
	}
	return tag, nil
}

// pantryName is Pantry's own rule.
var pantryName = regexp.MustCompile(`^(?i)(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$`)

// checkName refuses a name in Pantry's words, with the rule that it breaks.
func checkName(name string) error {
	err := npm.ValidName(name)
	switch {
	case err == nil:
		return nil
	case name == "":
		return httpkit.InWords(err, fault.Invalid, "Package name is required")
	case len(name) > npm.MaxName:
		return httpkit.InWords(err, fault.Invalid, "Package name exceeds 214 characters")
	case pantryName.MatchString(name):
		return httpkit.InWords(err, fault.Invalid, "Package name is reserved")
	}
	return httpkit.InWords(err, fault.Invalid, "Package name contains invalid characters")
}
