// Package ghspec has GitHub's own OpenAPI description of its REST API, cut
// down to the paths that this project uses. It is for tests and tools only.
//
// The description is MIT-licensed and comes from the npm package
// @octokit/openapi.
package ghspec

import (
	"context"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/org/registry-action/internal/forge/forgetest/npmfile"
)

// Path returns where the trimmed description is, after fetching and trimming
// it if the cache does not have it: 29 MB over the network, once.
func Path(ctx context.Context) (string, error) {
	return npmfile.Get(ctx, npmfile.File{
		Package: "@octokit/openapi",
		Version: "23.0.2",
		Path:    "package/generated/api.github.com.json",
		As:      "api.github.com.trimmed-3.json",
		Convert: Trim,
	})
}

// Load reads the trimmed description. Each call gives one of its own.
func Load(ctx context.Context) (*openapi3.T, error) {
	path, err := Path(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading GitHub's API description: %w", err)
	}
	return doc, nil
}
