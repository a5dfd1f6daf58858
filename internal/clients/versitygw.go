package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// versitygw builds the server into an empty folder.
func versitygw(ctx context.Context, tool Tool, tmp string) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-X main.Version=v"+tool.Version(), "github.com/versity/versitygw/cmd/versitygw@v"+tool.Version())
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Join(tmp, "bin"), "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", tool, err, out)
	}
	return nil
}
