package lumenapi

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxText bounds what is in a publish beside its archive, in bytes.
const maxText = 2 << 20

// hashHeader has the hash of the archive, "sha256:…".
const hashHeader = "X-Lumen-Content-Hash"

// published answers a publish.
type published struct {
	Success   bool   `json:"success"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Unchanged bool   `json:"unchanged,omitempty"`
	SignedBy  string `json:"signed_by,omitempty"` // the key whose signature was verified
	Notice    string `json:"notice,omitempty"`
}

// wares is what a publish has beside its archive. The proof that clients send with it tells nothing that can be
// verified here.
type wares struct {
	Name      string            `json:"name"`
	Version   string            `json:"version"`
	Tarball   json.RawMessage   `json:"tarball"`
	Shasum    string            `json:"shasum"` // SHA-256, hex
	Deps      map[string]string `json:"deps"`   // nil: not said
	Signature *signature        `json:"signature"`
}

// publish takes what the client's publish sends.
func (a *API) publish(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "publish", "", "")
	who, err := a.Writer(r)
	if err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, httpkit.Base64Limit(a.MaxPackage, maxText))
	if err != nil {
		return err
	}
	in := &incoming{api: a, who: who}
	defer in.close()
	request, err := in.read(r.Context(), body)
	if err != nil {
		return err
	}
	if err := request.complete(in.upload); err != nil {
		return err
	}
	if request.Deps != nil && !maps.Equal(request.Deps, in.upload.Manifest.AllDeps()) {
		return fault.New(fault.Invalid, "\"deps\" of the publish are not the [dependencies] that lumen.toml in the archive has; send those, or leave them out").WithCode("manifest_mismatch")
	}
	hash, err := announced(request.Shasum, r.Header.Get(hashHeader))
	if err != nil {
		return err
	}
	claim, err := claimOf(request.Signature, r.Header)
	if err != nil {
		return err
	}
	return a.answer(w, r, who, lumenpackages.Release{Name: request.Name, Version: request.Version, Hash: hash, Upload: in.upload, Signature: claim})
}

// answer publishes a release.
func (a *API) answer(w http.ResponseWriter, r *http.Request, who auth.Principal, release lumenpackages.Release) error {
	m := release.Upload.Manifest
	httpkit.Audit(r, "", auditName(m.Name, m.Version), "")
	res, err := a.Packages.Publish(r.Context(), who, release)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if res.Unchanged {
		status = http.StatusOK
	}
	out := published{Success: true, Name: res.Metadata.Name, Version: res.Metadata.Version, Unchanged: res.Unchanged, Notice: res.Notice}
	if out.Notice != "" {
		w.Header().Set(noticeHeader, out.Notice)
	}
	if res.Metadata.Upload != nil {
		out.SignedBy = res.Metadata.Upload.KeyID
	}
	return httpkit.JSON(w, r, status, out)
}

// incoming is a publish that is being received.
type incoming struct {
	api    *API
	who    auth.Principal
	upload *lumenpackages.Upload
}

func (in *incoming) close() {
	if in.upload == nil {
		return
	}
	if err := in.upload.Close(); err != nil {
		in.api.Log.Warn("removing an upload's files", "err", err)
	}
}

func (in *incoming) receive(ctx context.Context, r io.Reader) (err error) {
	if in.upload != nil {
		return httpkit.SentTwice("tarball")
	}
	in.upload, err = in.api.Packages.Receive(ctx, in.who, r)
	return err
}

// read takes {"name", "version", "tarball": "<base64>", "shasum", …}, in any order.
func (in *incoming) read(ctx context.Context, body io.Reader) (request wares, err error) {
	text, err := httpkit.TarballJSON(body, maxText, func(r io.Reader) error { return in.receive(ctx, r) })
	if err != nil {
		return request, err
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return request, httpkit.JSONError(httpkit.JSONBody, err)
	}
	return request, nil
}

// complete refuses a publish that lacks what it must have.
func (w wares) complete(upload *lumenpackages.Upload) error {
	var missing []string
	for _, f := range []struct {
		name  string
		there bool
	}{{"name", w.Name != ""}, {"version", w.Version != ""}, {"tarball", w.Tarball != nil}} {
		if !f.there {
			missing = append(missing, f.name)
		}
	}
	switch {
	case len(missing) > 0:
		return httpkit.MissingPart("the publish lacks %s; send {\"name\", \"version\", \"tarball\": \"<base64 of a tar>\", \"shasum\"}", strings.Join(missing, " and "))
	case upload == nil:
		return httpkit.TarballNoString()
	}
	return nil
}

// announced is the hash that the client says the archive has: in the body, as bare hex, or in the header; "" if nowhere.
func announced(shasum, header string) (string, error) {
	const prefix = "sha256:"
	if shasum != "" {
		shasum = prefix + strings.TrimPrefix(shasum, prefix)
	}
	if shasum != "" && header != "" && !strings.EqualFold(shasum, header) {
		return "", fault.New(fault.Invalid, "\"shasum\" is %.80q, but the header %s says %.80q; send one hash, of the archive as it is sent", shasum, hashHeader, header).WithCode("hash_mismatch")
	}
	if header == "" {
		header = shasum
	}
	return header, nil
}
