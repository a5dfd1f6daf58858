package commitapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

const packagePart = "package:"

// form is a multipart publish: the fields "sha", "repository" and "ref", or one
// "metadata" field of JSON (Pantry's client), and a file "package:{name}" each.
type form struct {
	listing
	metadata bool
	files    map[string]int // name -> upload
	text     int64          // bytes of fields so far
}

func readForm(ctx context.Context, body httpkit.Upload, up *uploads) (commits.Publication, error) {
	f := form{files: map[string]int{}}
	err := httpkit.ReadForm(body, body.Boundary, func(p *httpkit.Part) error { return f.read(ctx, p, up) })
	if err != nil {
		return commits.Publication{}, err
	}
	return f.publication(up)
}

func (f *form) read(ctx context.Context, part *httpkit.Part, up *uploads) error {
	if name, ok := strings.CutPrefix(part.Name, packagePart); ok {
		if err := refuseInForm(name); err != nil {
			return err
		}
		if err := npm.ValidName(name); err != nil {
			return err
		}
		if _, twice := f.files[name]; twice {
			return fault.New(fault.Invalid, "package %q is sent twice", name).WithCode("duplicate_package")
		}
		index, err := up.receive(ctx, name, part)
		f.files[name] = index
		return err
	}
	text, err := f.fieldText(part)
	if err != nil {
		return err
	}
	switch part.Name {
	case "sha":
		f.SHA = text
	case "repository":
		f.Repository = text
	case "ref":
		f.Refs = append(f.Refs, text)
	case "replace":
		f.Replace = text == "true" || text == "1"
	case "metadata":
		f.metadata = true
		if err := json.Unmarshal([]byte(text), &f.listing); err != nil {
			return httpkit.JSONError("Invalid metadata JSON", err)
		}
	default:
		return part.Unknown("sha, repository, ref, replace or metadata, and a file " + packagePart + "{name} for each package")
	}
	return nil
}

func (f *form) fieldText(part *httpkit.Part) (string, error) {
	b, err := part.Text(maxText-f.text, fmt.Sprintf("the form's fields have more than %d bytes", maxText))
	f.text += int64(len(b))
	return string(b), err
}

// publication joins the files to what the fields say of them.
func (f *form) publication(up *uploads) (commits.Publication, error) {
	listed := f.Packages
	p, err := publication(f.Publication)
	if err != nil {
		return p, err
	}
	if f.metadata && len(listed) == 0 {
		return p, fault.New(fault.Invalid, "Missing sha or packages in metadata")
	}
	if !f.metadata {
		for name := range f.files {
			listed = append(listed, wire.Package{Name: name})
		}
		slices.SortFunc(listed, func(a, b wire.Package) int { return strings.Compare(a.Name, b.Name) })
	}
	for _, pkg := range listed {
		src := source(pkg)
		if index, sent := f.files[pkg.Name]; sent {
			src.Upload, src.Head, src.Body, src.Whole = up.list[index], nil, nil, nil
			delete(f.files, pkg.Name)
		}
		p.Packages = append(p.Packages, src)
	}
	for name := range f.files {
		return p, fault.New(fault.Invalid, "the file %s%s is not among the packages that metadata lists", packagePart, name)
	}
	return p, nil
}
