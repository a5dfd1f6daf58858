package commitapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/jsonstream"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/wire"
)

// jsonBody is every JSON form of a publish: one package at the top (the
// README's), or a list whose tarballs are base64 text (Pantry's) or parts that
// were uploaded before (ours). Base64 has become the index of its upload.
type jsonBody struct {
	wire.Publication
	jsonPackage
	Packages list[jsonPackage] `json:"packages"`
}

type jsonPackage struct {
	wire.Package
	Tarball json.RawMessage `json:"tarball"`
}

// packages lists what is published.
func (b jsonBody) packages() []jsonPackage {
	if b.Name != "" && b.Packages == nil {
		return []jsonPackage{b.jsonPackage}
	}
	return b.Packages
}

// What stands for archives that are not kept; neither is the index of an upload.
const (
	refusedArchive = -1
	skippedArchive = -2
)

// badArchive is the code of the refusal of an archive that is not as npm's are.
const badArchive = "bad_archive"

func readJSON(ctx context.Context, body io.Reader, up *uploads) (commits.Publication, error) {
	var refused error
	text, err := jsonstream.Extract(body, "tarball", maxText, func(r io.Reader) (any, error) {
		if refused != nil {
			return skippedArchive, nil
		}
		index, err := up.receive(ctx, fmt.Sprintf("tarball %d", len(up.list)+1), r)
		if e, ok := fault.Public(err); ok && e.Code == badArchive {
			refused = err
			return refusedArchive, nil
		}
		return index, err
	})
	if refused != nil {
		return commits.Publication{}, explain(refused, text)
	}
	if err != nil {
		return commits.Publication{}, err
	}
	var b jsonBody
	if err := json.Unmarshal(text, &b); err != nil {
		return commits.Publication{}, httpkit.JSONError(httpkit.JSONBody, err)
	}
	p, err := publication(b.Publication)
	if err != nil {
		return p, err
	}
	for _, jp := range b.packages() {
		src, err := jp.source(up)
		if err != nil {
			return p, err
		}
		p.Packages = append(p.Packages, src)
	}
	return p, nil
}

// explain says of an archive that is not as npm's are whether its package is
// another's. Its name may stand behind it, so the whole text is needed; if that is broken, refused is all there is to say.
func explain(refused error, text []byte) error {
	var b jsonBody
	if json.Unmarshal(text, &b) != nil {
		return refused
	}
	for _, jp := range b.packages() {
		if string(jp.Tarball) == strconv.Itoa(refusedArchive) {
			return cmp.Or(refuseInForm(jp.Name), refused)
		}
	}
	return refused
}

func (jp jsonPackage) source(up *uploads) (commits.Source, error) {
	src := source(jp.Package)
	if len(jp.Tarball) == 0 || string(jp.Tarball) == "null" {
		return src, nil
	}
	var index int
	if json.Unmarshal(jp.Tarball, &index) == nil && index >= 0 && index < len(up.list) {
		src.Upload = up.list[index]
		return src, nil
	}
	src.Whole = &tarball.Part{}
	if err := json.Unmarshal(jp.Tarball, src.Whole); err != nil || src.Whole.Digest.IsZero() {
		return src, fault.New(fault.Invalid, "%.100s: \"tarball\" is base64 text, or {\"digest\", \"size\"} of bytes uploaded before", jp.Name)
	}
	return src, nil
}

// publication reads all but the packages.
func publication(b wire.Publication) (commits.Publication, error) {
	p := commits.Publication{Replace: b.Replace, Keep: b.Keep}
	if b.SHA == "" {
		return p, fault.New(fault.Invalid, "Missing sha or packages: name the commit in \"sha\"").WithCode("missing_sha")
	}
	var err error
	if p.SHA, err = commits.ParseSHA(b.SHA); err != nil {
		return p, err
	}
	if b.Repository != "" {
		if p.Repository, err = commits.ParseRepository(b.Repository); err != nil {
			return p, err
		}
	}
	if b.Run != nil {
		p.Run = b.Run.ID
	}
	for _, text := range b.Refs {
		ref, err := commits.ParseRef(text)
		if err != nil {
			return p, err
		}
		p.Refs = append(p.Refs, ref)
	}
	return p, nil
}

func source(p wire.Package) commits.Source {
	return commits.Source{Name: p.Name, Version: p.Version, Dir: p.PackageDir, Integrity: p.Integrity, Head: p.Head, Body: p.Body, Holes: p.Holes, Whole: p.Tarball}
}
