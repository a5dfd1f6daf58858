package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// What can't work is refused when the server starts, by the name of the option.
func TestRepositoriesOfPkgPRNew(t *testing.T) {
	for what, c := range map[string]registry.Config{
		"PKG_PR_NEW": {PkgPRNew: []string{"acme/ws", "*evil/x"}},
	} {
		c.DataDir, c.BaseURL, c.NoUpstream = t.TempDir(), "http://localhost:3000", true
		r, err := registry.New(c)
		if e, ok := fault.Public(err); !ok || !errors.Is(err, fault.Invalid) || !strings.Contains(e.Message, what) {
			t.Errorf("%s: New = %v", what, err)
		}
		if err == nil {
			r.Close()
		}
	}
}
