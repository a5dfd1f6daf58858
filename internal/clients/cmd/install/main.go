// Command install brings every pinned client into the cache folder, so that
// tests find them there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/org/registry-action/internal/clients"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, tool := range clients.All() {
		c, err := clients.Install(ctx, tool)
		if err != nil {
			fmt.Fprintln(os.Stderr, "install:", err)
			os.Exit(1)
		}
		fmt.Printf("%s\t%s\n", tool, c.Path)
	}
}
