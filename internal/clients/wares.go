package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// wares builds Lumen's package manager into an empty folder, without what compiles Lumen. It takes a minute or two.
func wares(ctx context.Context, tool Tool, tmp string) error {
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		return fmt.Errorf("installing %s: cargo is needed; install it (https://rustup.rs): %w", tool, err)
	}
	target, err := os.MkdirTemp("", "wares-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(target)
	cmd := exec.CommandContext(ctx, cargo, "install", "lumen-cli", "--version", tool.Version(), "--locked", "--bin", tool.Name(), "--debug",
		"--no-default-features", "--features", "http,json,fs,env,keyring,ed25519", "--root", tmp, "--target-dir", target)
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "CARGO_PROFILE_DEV_DEBUG=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", tool, err, out)
	}
	return nil
}
