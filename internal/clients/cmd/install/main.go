// Command install brings every pinned client into the cache folder, so that
// tests find them there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/clients"
)

// atOnce is how many clients are fetched at the same time.
const atOnce = 4

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, tool := range clients.All() {
		g.Go(func() error {
			c, err := clients.Install(ctx, tool)
			if err == nil {
				fmt.Printf("%s\t%s\n", tool, c.Path)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
}
