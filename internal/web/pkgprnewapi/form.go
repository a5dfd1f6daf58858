package pkgprnewapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/web/httpkit"
)

// What a form may have beside tarballs.
const (
	packagePart   = "package:"
	templatePart  = "template:"
	objectText    = "object:"
	maxObject     = 200      // bytes of a field in place of a tarball
	maxTemplates  = 10_000   // files
	maxBesideThem = 64 << 20 // bytes
)

// form is a publish of the CLI: a part "package:{name}" each, with the tarball or, if that came in parts, the text
// "object:{key}"; and files of templates, which are skipped.
type form struct {
	api       *API
	run       pkgprnew.Admission
	who       auth.Principal
	shasums   map[string]string
	packages  []commits.Source
	templates int
}

func (f *form) close() {
	for _, pkg := range f.packages {
		if err := pkg.Upload.Close(); err != nil {
			f.api.Log.Warn("removing an upload's file", "err", err)
		}
	}
}

func (f *form) read(w http.ResponseWriter, r *http.Request) error {
	_, params, err := httpkit.MediaType(r, "multipart/form-data")
	if err != nil {
		return err
	}
	body, err := httpkit.Body(w, r, f.api.MaxPublish+maxBesideThem)
	if err != nil {
		return err
	}
	return httpkit.ReadForm(body, params["boundary"], func(p *httpkit.Part) error { return f.part(r.Context(), p) })
}

func (f *form) part(ctx context.Context, p *httpkit.Part) error {
	if name, ok := strings.CutPrefix(p.Name, packagePart); ok {
		return f.tarball(ctx, name, p)
	}
	if !strings.HasPrefix(p.Name, templatePart) {
		return p.Unknown("a file " + packagePart + "{name} for each package")
	}
	if f.templates++; f.templates > maxTemplates {
		return fault.New(fault.TooLarge, "the templates have more than %d files; publish with --no-template", maxTemplates)
	}
	return nil
}

func (f *form) tarball(ctx context.Context, name string, p *httpkit.Part) error {
	if err := npm.ValidName(name); err != nil {
		return err
	}
	for _, pkg := range f.packages {
		if pkg.Name == name {
			return fault.New(fault.Invalid, "package %q is sent twice: two folders have the name in their package.json", name).WithCode("duplicate_package")
		}
	}
	var up *commits.Upload
	var err error
	if p.File {
		up, err = f.api.Commits.Receive(ctx, f.who, len(f.packages), name, p)
	} else {
		up, err = f.object(ctx, name, p)
	}
	if err != nil {
		return err
	}
	f.packages = append(f.packages, commits.Source{Name: name, Upload: up})
	if got, want := up.Summary.Sums.Shasum, f.shasums[name]; !strings.EqualFold(got, want) {
		return fault.New(fault.Invalid, "%s: the tarball that came has the SHA-1 %s, not %.60q as sb-shasums says: it was damaged or cut off on its way; run the job again", name, got, want).WithCode("wrong_shasum")
	}
	return nil
}

// object takes in a tarball that came in parts.
func (f *form) object(ctx context.Context, name string, p *httpkit.Part) (up *commits.Upload, err error) {
	text, err := p.Text(maxObject, "package "+name+" is neither a file nor the key of an upload")
	if err != nil {
		return nil, err
	}
	key, ok := strings.CutPrefix(string(text), objectText)
	if !ok {
		return nil, fault.New(fault.Invalid, "package %s is neither a file nor the key of an upload", name)
	}
	tarball, err := f.api.Runs.Tarball(ctx, f.run.Run, name, key)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := tarball.Close(); closed != nil && err == nil {
			err = errors.Join(closed, up.Close())
		}
	}()
	return f.api.Commits.Receive(ctx, f.who, len(f.packages), name, tarball)
}
