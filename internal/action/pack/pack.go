package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/tarball"
)

// Options say how to pack. Only TempDir is required.
type Options struct {
	// Version is written into every packed manifest; empty keeps each manifest's own.
	Version string
	// Pin is the specifier that replaces references to a package packed along (an
	// exact version or a URL), given its name and version as packed. Nil resolves `workspace:` to the siblings' own versions.
	Pin func(name, version string) string
	// Commit is the SHA, 40 or 64 hex digits in lower case, whose digits get holes
	// in the heads, so that commits share them; empty makes heads without holes.
	Commit string
	// PinPeers pins peerDependencies on siblings too.
	PinPeers bool
	// IgnoreScripts runs no lifecycle script.
	IgnoreScripts bool
	// With delegates to a manager's own pack command; empty packs natively.
	With workspace.Manager
	// TempDir is an existing folder for tarballs, which the packages refer to: the
	// caller removes it when it is done with them.
	TempDir string
	// Parallel is how many packages are compressed at once; 0 means GOMAXPROCS.
	Parallel int
	// Log tells what is being done; nil says nothing.
	Log *slog.Logger
	// Env is the environment of scripts and delegates; nil means the process's own.
	Env []string
}

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	return o
}

// packer is one Run.
type packer struct {
	Options
	ws       *workspace.Workspace
	siblings map[string]manifest.Sibling
	pinNames map[string]string // whose pin "name@version", or URL, it is
	folders  []string          // of all members
	berry    bool
	tar      tarball.Packer
	spools   spools
}

// Run packs members of a workspace and returns the packages in the members' order.
//
// A refusal is a fault error that names the package; a script or delegate that
// failed is a *CommandError. Nothing is retried and no package is left out: on
// an error there is no result.
func Run(ctx context.Context, ws *workspace.Workspace, members []*workspace.Member, o Options) ([]*Package, error) {
	if o.TempDir == "" {
		return nil, errors.New("packing needs a folder for temporary files")
	}
	p := &packer{Options: o.withDefaults(), ws: ws}
	var err error
	if p.TempDir, err = filepath.Abs(o.TempDir); err != nil { // delegates run elsewhere
		return nil, fmt.Errorf("packing into %s: %w", o.TempDir, err)
	}
	p.siblings = p.pins(members)
	p.pinNames = p.namesOfPins()
	for _, m := range ws.Members {
		p.folders = append(p.folders, m.Path)
	}
	if p.berry, err = isBerry(ws); err != nil {
		return nil, err
	}
	order, err := ws.Order(members)
	if err != nil {
		return nil, err
	}
	done, err := p.all(ctx, order)
	if err = errors.Join(err, p.spools.close()); err != nil {
		return nil, err
	}
	packages := make([]*Package, len(members))
	for i, m := range members {
		packages[i] = done[m]
	}
	return packages, nil
}

// all packs members given in dependency order: one by one what has scripts to
// run around its packing, the others in parallel at the end.
func (p *packer) all(ctx context.Context, order []*workspace.Member) (map[*workspace.Member]*Package, error) {
	done := make(map[*workspace.Member]*Package, len(order))
	var later []*workspace.Member
	for _, m := range order {
		now, err := p.prepare(ctx, m)
		if err != nil {
			return nil, err
		}
		if !now {
			later = append(later, m)
			continue
		}
		if done[m], err = p.pack(ctx, m); err != nil {
			return nil, err
		}
		if err := p.finish(ctx, m); err != nil {
			return nil, err
		}
	}
	packed := make([]*Package, len(later))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.Parallel)
	for i, m := range later {
		g.Go(func() (err error) {
			packed[i], err = p.pack(ctx, m)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, m := range later {
		done[m] = packed[i]
	}
	return done, nil
}

// prepare runs what comes before packing a member, and reports whether it must
// be packed before any other package's scripts run.
func (p *packer) prepare(ctx context.Context, m *workspace.Member) (now bool, err error) {
	if p.With != "" {
		return slices.ContainsFunc(lifecycle(p.With), func(s string) bool { return p.hasScript(m, s) }), nil
	}
	for _, script := range before(p.ws.Manager) {
		if err := p.runScript(ctx, m, script); err != nil {
			return false, err
		}
	}
	return p.hasScript(m, after), nil
}

func (p *packer) pack(ctx context.Context, m *workspace.Member) (*Package, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("packing %s: %w", m.Manifest.Name, context.Cause(ctx))
	}
	if p.With != "" {
		return p.delegate(ctx, m)
	}
	return p.native(ctx, m)
}

// finish runs what comes after packing a member.
func (p *packer) finish(ctx context.Context, m *workspace.Member) error {
	if p.With != "" {
		return nil
	}
	return p.runScript(ctx, m, after)
}

// pins says what references to each member of the workspace become.
func (p *packer) pins(members []*workspace.Member) map[string]manifest.Sibling {
	siblings := p.ws.Siblings()
	if p.Pin == nil {
		return siblings
	}
	for _, m := range members {
		if s := siblings[m.Manifest.Name]; s.Dir == m.Dir {
			s.Pin = p.Pin(cmp.Or(s.PublishName, s.Name), cmp.Or(p.Version, s.Version))
			siblings[s.Name] = s
		}
	}
	return siblings
}

// namesOfPins tells from a pinned specifier which sibling it means, and from the
// version that a peer admits.
func (p *packer) namesOfPins() map[string]string {
	names := map[string]string{}
	for _, s := range p.siblings {
		if s.Pin == "" {
			continue
		}
		name := cmp.Or(s.PublishName, s.Name)
		names[name+"@"+cmp.Or(p.Version, s.Version)] = name
		if strings.Contains(s.Pin, "://") {
			names[s.Pin] = name
		}
	}
	return names
}
