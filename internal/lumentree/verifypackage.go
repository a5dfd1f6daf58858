package lumentree

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// packageResult is what is known of a package.
type packageResult struct {
	digest                   digest.SHA256 // of its index
	versions, yanked, signed int
}

// artifactResult is what is known of an artifact that has the hash it should have.
type artifactResult struct {
	archive lumen.Archive
	problem *Problem
}

// checkPackage checks a package with all its versions.
func (v *verifier) checkPackage(ctx context.Context, entry lumen.IndexEntry) packageResult {
	if err := lumen.ValidName(entry.Name, true); err != nil {
		v.problem("index.json", CodeIndex, "%s", said(err))
		return packageResult{}
	}
	path := lumen.PackageIndexPath(entry.Name)
	text := v.readDocument(ctx, path)
	if text == nil {
		return packageResult{}
	}
	r := packageResult{digest: digest.Of(text)}
	v.mu.Lock()
	sound, ok := v.sound[entry.Name]
	before := len(v.result.Problems)
	v.mu.Unlock()
	if ok && sound.digest == r.digest {
		return sound
	}
	x, err := lumen.DecodePackageIndex(text)
	if err != nil {
		v.problem(path, CodeUnreadable, "%s", said(err))
		return r
	}
	v.checkIndexMembers(path, text)
	v.checkPackageIndex(path, entry, x)
	r.yanked = len(x.Yanked)
	for _, version := range x.Versions {
		if lumen.ValidVersion(version) != nil || ctx.Err() != nil {
			continue
		}
		r.versions++
		if v.checkVersion(ctx, x, version) {
			r.signed++
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.result.Problems) == before { // at worst a problem of another package makes this one be read again
		v.sound[entry.Name] = r
	}
	return r
}

// checkPackageIndex checks the list of versions by itself.
func (v *verifier) checkPackageIndex(path string, entry lumen.IndexEntry, x lumen.PackageIndex) {
	if x.Name != entry.Name {
		v.problem(path, CodeIndex, "it is the index of %.80q", x.Name)
	}
	for _, version := range x.Versions {
		if err := lumen.ValidVersion(version); err != nil {
			v.problem(path, CodeIndex, "%s", said(err))
		}
	}
	sorted := slices.Clone(x.Versions)
	slices.SortFunc(sorted, lumen.Compare)
	if len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		v.problem(path, CodeIndex, "it has a version twice")
	} else if !slices.Equal(sorted, x.Versions) {
		v.problem(path, CodeIndex, "its versions are not in ascending order, and Lumen's library takes the last one that fits")
	}
	for _, version := range slices.Sorted(maps.Keys(x.Yanked)) {
		if !slices.Contains(x.Versions, version) {
			v.problem(path, CodeIndex, "%.80q is yanked and not one of its versions, which the client can't read", version)
		}
	}
	latest := lumen.Latest(x.Versions, x.Yanked)
	if x.Latest != "" && x.Latest != latest {
		v.problem(path, CodeIndex, "latest is %.80q; of what is not yanked it is %q", x.Latest, latest)
	}
	if entry.Latest != "" && entry.Latest != latest && !v.result.UnderWay {
		v.problem("index.json", CodeIndex, "it says that the latest version of %s is %.80q, and the package's index has %q", x.Name, entry.Latest, latest)
	}
}

// checkVersion reports whether the version has a good signature.
func (v *verifier) checkVersion(ctx context.Context, x lumen.PackageIndex, version string) (signed bool) {
	path := lumen.MetadataPath(x.Name, version)
	text := v.readDocument(ctx, path)
	if text == nil {
		return false
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		v.problem(path, CodeUnreadable, "%s", said(err))
		return false
	}
	if m.Name != x.Name || m.Version != version {
		v.problem(path, CodeIndex, "it is the metadata of %.80s %.80s", m.Name, m.Version)
	}
	v.checkMetadataMembers(path, text, m)
	v.checkYank(path, x, m)
	v.checkArtifacts(ctx, path, m)
	if m.Upload != nil {
		v.checkUpload(path, m)
	}
	return v.checkSignature(ctx, m)
}

// checkYank compares what the version says of its yank with the package's index, which is what counts.
func (v *verifier) checkYank(path string, x lumen.PackageIndex, m lumen.Metadata) {
	reason, yanked := x.Yanked[m.Version]
	switch {
	case v.result.UnderWay:
	case v.signed && (yanked != m.Yanked || reason != m.YankReason):
		v.problem(path, CodeIndex, "yanked is %v (%.80q), and the package's index says otherwise", m.Yanked, m.YankReason)
	case yanked != m.Yanked:
		v.note("%s: yanked is %v, and the package's index, which counts, says otherwise", path, m.Yanked)
	}
}

// checkSignature checks the detached signature against the metadata.
func (v *verifier) checkSignature(ctx context.Context, m lumen.Metadata) bool {
	path := lumen.SignaturePath(m.Name, m.Version)
	if !v.signed {
		return false
	}
	text, err := readDocument(ctx, v.tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem(path, CodeSignature, "the version is not signed, and the tree is")
		return false
	}
	var e lumen.Envelope
	if err == nil {
		e, err = lumen.DecodeEnvelope(text)
	}
	if err != nil {
		v.problem(path, CodeUnreadable, "%s", said(err))
		return false
	}
	payload, _, err := e.Open(lumen.StatementType, v.keys)
	var s lumen.Statement
	if err == nil {
		s, err = lumen.DecodeStatement(payload)
	}
	if err == nil {
		err = s.Check(m)
	}
	if err != nil {
		v.problem(path, CodeSignature, "%s", said(err))
	}
	return err == nil
}

// checkArtifacts checks the archives of a version: the first is the one that the client unpacks.
func (v *verifier) checkArtifacts(ctx context.Context, path string, m lumen.Metadata) {
	if len(m.Artifacts) == 0 {
		v.problem(path, CodeArchive, "it has no artifacts, and the client takes the first one")
	}
	for i, a := range m.Artifacts {
		archive, ok := v.artifact(ctx, path, a)
		if !ok {
			continue
		}
		if i == 0 && archive.Gzipped {
			v.problem(path, CodeArchive, "its first artifact is compressed with gzip, and clients before 0.6 unpack plain tar only; make it without -z")
		}
		v.checkManifest(path, m, archive)
	}
}

func (v *verifier) checkManifest(path string, m lumen.Metadata, archive lumen.Archive) {
	inside := archive.Manifest
	if inside.Name != m.Name || inside.Version != m.Version {
		v.problem(path, CodeManifest, "the lumen.toml in its artifact is that of %.80s %.80s", inside.Name, inside.Version)
		return
	}
	if !maps.Equal(inside.Deps, m.Deps) || !lumen.SameOptional(inside.OptionalDeps, m.OptionalDeps) {
		v.problem(path, CodeManifest, "the lumen.toml in its artifact has other dependencies")
	}
	if m.Integrity != nil && (m.Integrity.ManifestHash != archive.Integrity.ManifestHash ||
		m.Integrity.ContentHash != "" && m.Integrity.ContentHash != archive.Integrity.ContentHash) {
		v.problem(path, CodeManifest, "its integrity is not that of its artifact")
	}
}

// artifact reads an archive, once; ok is false after a problem.
func (v *verifier) artifact(ctx context.Context, path string, a lumen.Artifact) (archive lumen.Archive, ok bool) {
	if strings.Contains(a.URL, "://") {
		v.note("%s: its artifact %.200q is outside of the tree and was not read", path, a.URL)
		return archive, false
	}
	url, inside := relative(a.URL)
	if !inside { // each server makes something else of it
		v.problem(path, CodeUnreadable, "the url of an artifact, %.200q, is no path in the tree; write one such as artifacts/sha256/ab/c1.tar", a.URL)
		return archive, false
	}
	v.mu.Lock()
	known, found := v.artifacts[url+" "+a.Hash]
	v.mu.Unlock()
	if !found {
		known = v.readArtifact(ctx, url, a)
		if known.problem == nil {
			v.mu.Lock()
			v.artifacts[url+" "+a.Hash] = known
			v.mu.Unlock()
		}
	}
	switch {
	case known.problem != nil:
		v.problem(known.problem.Path, known.problem.Code, "%s", known.problem.Message)
		return archive, false
	case a.Size != 0 && known.archive.SentSize != a.Size: // it is optional in trees made by hand
		v.problem(path, CodeHash, "%s has %d bytes, and should have %d", url, known.archive.SentSize, a.Size)
		return archive, false
	}
	return known.archive, true
}

// maxArtifact bounds an artifact whose size is not said, in bytes.
const maxArtifact = 8 << 30

// relative is the path of a URL that leads into the tree.
func relative(url string) (path string, ok bool) {
	path = strings.TrimPrefix(url, "/")
	return path, path != "" && fs.ValidPath(path) && !strings.Contains(url, "://")
}

func (v *verifier) readArtifact(ctx context.Context, url string, a lumen.Artifact) (r artifactResult) {
	bad := func(code, message string) artifactResult {
		return artifactResult{problem: &Problem{Path: url, Code: code, Message: message}}
	}
	body, err := v.tree.Open(ctx, url)
	if errors.Is(err, fs.ErrNotExist) {
		return bad(CodeMissing, "the file is not there")
	}
	if err != nil {
		return bad(CodeUnreadable, said(err))
	}
	defer body.Close() // it is only read
	most := int64(maxArtifact)
	if a.Size > 0 {
		most = a.Size
	}
	all := &hashed{r: io.LimitReader(body, most+1), hash: sha256.New()}
	archive, archiveErr := lumen.Check(all, io.Discard, v.opt.Limits)
	if _, err := io.Copy(io.Discard, all); err != nil { // what a refusal left unread
		return bad(CodeUnreadable, said(err))
	}
	if got := digest.SHA256(all.hash.Sum(nil)).String(); got != a.Hash {
		return bad(CodeHash, "its hash is "+got+", and should be "+a.Hash)
	}
	if archiveErr != nil {
		return bad(CodeArchive, said(archiveErr))
	}
	archive.SentSize, archive.Readme = all.size, "" // the results are kept, and READMEs are large
	return artifactResult{archive: archive}
}

// hashed hashes what is read through it.
type hashed struct {
	r    io.Reader
	hash hash.Hash
	size int64
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	h.size += int64(n)
	return n, err
}
