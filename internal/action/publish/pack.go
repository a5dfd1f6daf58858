package publish

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/wire"
)

// pack makes the tarballs: of the workspace's packages, or of .tgz files taken as they are.
func (j *job) pack(ctx context.Context) error {
	tarballs, paths, err := j.splitPaths()
	if err != nil {
		return err
	}
	if len(tarballs) > 0 && len(paths) == 0 && len(j.opt.Exclude) > 0 {
		return fault.New(fault.Invalid, "--exclude leaves packages of the workspace out, but only .tgz files are given; leave those out of the list instead")
	}
	if j.packages, err = pack.Tarballs(ctx, tarballs, j.source.SHA); err != nil {
		return err
	}
	if len(tarballs) == 0 || len(paths) > 0 {
		if err := j.packWorkspace(ctx, paths); err != nil {
			return err
		}
	}
	if len(j.packages) == 0 {
		return fault.New(fault.Invalid, "there is no package to publish in %s: every package is private, or excluded", j.opt.Dir)
	}
	seen := map[string]bool{}
	for _, p := range j.packages {
		if seen[p.Name] {
			return fault.New(fault.Invalid, "%s is given twice, as .tgz files or as one and a package of the workspace; a commit has one of a name", p.Name)
		}
		seen[p.Name] = true
	}
	for _, p := range j.packages {
		j.say("packed %s %s (%s, %s%s)", p.Name, p.Version, bytesText(p.Size), counted(len(p.Files), "file"), compilersOf(p))
	}
	return nil
}

// splitPaths tells .tgz files, which may be globs, from what names packages.
func (j *job) splitPaths() (tarballs, patterns []string, err error) {
	for _, p := range j.opt.Paths {
		if !strings.HasSuffix(p, ".tgz") && !strings.HasSuffix(p, ".tar.gz") {
			patterns = append(patterns, p)
			continue
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(j.opt.Dir, p)
		}
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			return nil, nil, fault.New(fault.Invalid, "there is no tarball %s", p)
		}
		tarballs = append(tarballs, files...)
	}
	return tarballs, patterns, nil
}

// packWorkspace packs the packages of the workspace that are meant, npm's first.
func (j *job) packWorkspace(ctx context.Context, paths []string) error {
	ws, err := j.openWorkspace(ctx)
	if err != nil {
		return err
	}
	here, err := filepath.EvalSymlinks(j.opt.Dir)
	if err != nil {
		return err
	}
	selected, err := ws.Select(fromHere(here, paths), fromHere(here, j.opt.Exclude))
	if err != nil {
		return err
	}
	j.sayLeftOut(ctx, selected.LeftOut)
	if err := j.packMembers(ctx, ws, selected.Members); err != nil {
		return err
	}
	return j.packFolders(ctx, ws, selected.Packages)
}

func (j *job) packMembers(ctx context.Context, ws *workspace.Workspace, members []*workspace.Member) error {
	if len(members) == 0 {
		return nil
	}
	o := pack.Options{
		Commit: j.source.SHA, Pin: j.pin, PinPeers: j.opt.PinPeers, IgnoreScripts: j.opt.IgnoreScripts, With: j.opt.PackWith,
		TempDir: j.temp, Parallel: j.opt.Parallel, Log: j.streams.Log, Env: scriptEnv(os.Environ()),
	}
	if !j.opt.KeepVersion {
		o.Version = npm.PreviewVersion(j.source.SHA)
	}
	packed, err := pack.Run(ctx, ws, members, o)
	j.packages = append(j.packages, packed...)
	return err
}

// fromHere makes patterns that begin with a dot absolute: they mean what they
// mean to a shell in that folder, also below the workspace's root.
func fromHere(here string, patterns []string) []string {
	out := slices.Clone(patterns)
	for i, p := range out {
		bare := strings.TrimPrefix(p, "!")
		if slash := filepath.ToSlash(bare); slash == "." || slash == ".." || strings.HasPrefix(slash, "./") || strings.HasPrefix(slash, "../") {
			out[i] = p[:len(p)-len(bare)] + filepath.Join(here, bare)
		}
	}
	return out
}

// scriptEnv is the environment without our secrets: a package's script has no use for them.
func scriptEnv(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return secretEnv(name)
	})
}

// pin is what a dependency on a sibling of the same commit becomes.
func (j *job) pin(name, version string) string {
	if j.opt.Siblings != URL {
		return version
	}
	return strings.TrimRight(j.opt.RegistryURL, "/") + "/commits/" + j.source.SHA + "/" + name + "/tarball"
}

// Pack only packs: it writes the tarballs to a folder and prints what they hold.
func Pack(ctx context.Context, opt PackOptions, out string, asJSON bool, s Streams) error {
	j, cleanup, err := newJob(Options{PackOptions: opt}, s)
	if err != nil {
		return err
	}
	defer cleanup()
	if err := j.connect(ctx); err != nil {
		return err
	}
	if !opt.KeepVersion || opt.Siblings == URL {
		if err := j.identify(ctx); err != nil {
			return err
		}
	}
	if err := j.pack(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("making the folder for tarballs: %w", err)
	}
	if err := j.leaveMerge(ctx, out); err != nil {
		return err
	}
	list := make([]packed, len(j.packages))
	g := new(errgroup.Group)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range j.packages {
		list[i] = describe(p, filepath.Join(out, p.Filename()))
		g.Go(func() error { return p.Save(list[i].Path) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(s.Stdout, list)
	}
	return printPacked(s.Stdout, list)
}

// packed is what is told of a package that was only packed, in the terms of `npm pack --json`.
type packed struct {
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	Filename     string      `json:"filename"`
	Path         string      `json:"path,omitempty"`
	Size         int64       `json:"size"`
	UnpackedSize int64       `json:"unpackedSize"`
	Integrity    string      `json:"integrity"`
	Shasum       string      `json:"shasum"`
	Files        []pack.File `json:"files"`
	packedHashes
}

func describe(p *pack.Package, path string) packed {
	return packed{
		packedHashes: describeHashes(p), Name: p.Name, Version: p.Version, Filename: p.Filename(), Path: path, Size: p.Size,
		UnpackedSize: p.Unpacked, Integrity: p.Sums.Integrity, Shasum: p.Sums.Shasum, Files: p.Files,
	}
}

func printPacked(to io.Writer, list []packed) error {
	w := bufio.NewWriter(to)
	for _, p := range list {
		where := p.Path
		if where == "" {
			where = "not written"
		}
		fmt.Fprintf(w, "%s@%s  %s packed, %s unpacked, %s  %s\n", p.Name, p.Version, bytesText(p.Size), bytesText(p.UnpackedSize), counted(len(p.Files), "file"), where)
		fmt.Fprint(w, p.lines())
		for _, f := range p.Files {
			fmt.Fprintf(w, "  %9s  %s\n", bytesText(f.Size), f.Path)
		}
	}
	return w.Flush()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// showPlan ends a dry run.
func (j *job) showPlan() error {
	list := make([]packed, 0, len(j.packages))
	for _, p := range j.packages {
		list = append(list, describe(p, ""))
	}
	of := ""
	if j.source.Repository != "" {
		of = " of " + j.source.Repository
	}
	j.say("dry run: commit %s%s would get %s; nothing was sent", j.source.SHA, of, packagesText(len(list)))
	out := plan{DryRun: true, SHA: j.source.SHA, Repository: j.source.Repository, Packages: list, Base: j.skipped.base, Unchanged: j.skipped.names()}
	if err := j.writeJSON(out); err != nil || j.opt.JSONFile == "-" {
		return err
	}
	return printPacked(j.streams.Stdout, list)
}

// plan is the JSON form of a dry run.
type plan struct {
	DryRun     bool     `json:"dryRun"`
	SHA        string   `json:"sha"`
	Repository string   `json:"repository,omitempty"`
	Packages   []packed `json:"packages"`
	// With changed-only, what the packages were compared with, and those that would not be published.
	Base      *wire.Base `json:"base,omitempty"`
	Unchanged []string   `json:"unchanged,omitempty"`
}
