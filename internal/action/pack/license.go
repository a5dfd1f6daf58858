package pack

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/tarball"
)

// license matches what pnpm takes for a licence, in the folder's top only.
var license = regexp.MustCompile(`(?i)^licen[sc]e(\.[^/]*)?$`)

// withLicense adds the workspace's licence files to a member that has none, as pnpm does.
func (p *packer) withLicense(ctx context.Context, m *workspace.Member, pkg string, files []tarball.File) ([]tarball.File, error) {
	if m.Dir == "." || slices.ContainsFunc(files, func(f tarball.File) bool { return license.MatchString(f.Name) }) {
		return files, nil
	}
	entries, err := os.ReadDir(p.ws.Root)
	if err != nil {
		return nil, fmt.Errorf("looking for the workspace's licence: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !license.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("looking for the workspace's licence: %w", err)
		}
		open := func() (*os.File, error) { return os.OpenInRoot(p.ws.Root, e.Name()) }
		files = append(files, tarball.File{
			Name: e.Name(), Size: info.Size(), Mode: info.Mode(),
			Open: func() (io.ReadCloser, error) { return openSource(ctx, open, pkg, e.Name(), info.Size()) },
		})
	}
	return files, nil
}
