package commitapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
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

func readForm(ctx context.Context, body io.Reader, boundary string, up *uploads) (commits.Publication, error) {
	f := form{files: map[string]int{}}
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return commits.Publication{}, formError(err)
		}
		if err := f.read(ctx, part, up); err != nil {
			return commits.Publication{}, err
		}
	}
	return f.publication(up)
}

// formError makes an error of the form's syntax public.
func formError(err error) error {
	if _, ok := fault.Public(err); ok {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "the multipart body is broken: %v", err)
}

func (f *form) read(ctx context.Context, part *multipart.Part, up *uploads) error {
	field := part.FormName()
	if name, ok := strings.CutPrefix(field, packagePart); ok {
		if strings.HasPrefix(name, zigPrefix) {
			return errZigPart(name)
		}
		if err := npm.ValidName(name); err != nil {
			return err
		}
		if _, twice := f.files[name]; twice {
			return fault.New(fault.Invalid, "package %q is sent twice", name).WithCode("duplicate_package")
		}
		index, err := up.receive(ctx, name, content{part})
		f.files[name] = index
		return err
	}
	text, err := f.fieldText(part)
	if err != nil {
		return err
	}
	switch field {
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
		return fault.New(fault.Invalid, "part %.100q is not known here; send sha, repository, ref, replace or metadata, and a file %s{name} for each package", field, packagePart)
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

func (f *form) fieldText(part *multipart.Part) (string, error) {
	b, err := io.ReadAll(io.LimitReader(part, maxText-f.text+1))
	if err != nil {
		return "", formError(err)
	}
	if f.text += int64(len(b)); f.text > maxText {
		return "", fault.New(fault.TooLarge, "the form's fields have more than %d bytes", maxText)
	}
	return string(b), nil
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
