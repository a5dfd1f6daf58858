// Command publish-commit packs the packages of a workspace and publishes them
// as the packages of one commit.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
