package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// goTools are the packages of tools that are built with Go.
var goTools = map[Tool]string{
	VersityGW:  "github.com/versity/versitygw/cmd/versitygw",
	Act:        "github.com/nektos/act",
	Actionlint: "github.com/rhysd/actionlint/cmd/actionlint",
}

// fromGo builds a tool into an empty folder.
func fromGo(ctx context.Context, tool Tool, tmp string) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-X main.Version=v"+tool.Version(), goTools[tool]+"@v"+tool.Version())
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Join(tmp, "bin"), "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", tool, err, out)
	}
	return nil
}
