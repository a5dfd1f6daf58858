// Parity packs published packages with our packages and with npm and prints in
// which ways the tarballs differ. It exits with 1 if any does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.IntVar(&o.n, "n", 300, "how many of the most used packages to compare")
	flag.IntVar(&o.synthetic, "synthetic", 0, "how many made-up packages to compare, too")
	flag.Uint64Var(&o.seed, "seed", 0, "seed of the first made-up package")
	flag.StringVar(&o.cache, "cache", "", "folder for the published packages (default: registry-action/parity in the user's cache folder)")
	flag.Parse()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}
