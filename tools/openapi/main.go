// Command openapi puts GitHub's API description, trimmed to the operations
// that the project uses, into the cache folder and prints where. The tests do
// the same on their own when it is missing; `make tools` does it beforehand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/org/registry-action/internal/forge/forgetest/ghspec"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := ghspec.Path(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}
