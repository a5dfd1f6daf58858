//go:build manual

package npmapi_test

import (
	"os"
	"testing"
	"time"
)

func TestManual(t *testing.T) {
	n := start(t, setup{signUp: true, readAuth: os.Getenv("READ_AUTH") != ""})
	os.WriteFile("/tmp/npmapi-manual-url", []byte(n.url), 0o600)
	for i := 0; i < 6000; i++ {
		if _, err := os.Stat("/tmp/npmapi-manual-stop"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		os.WriteFile("/tmp/npmapi-manual-server.log", []byte(n.log.String()), 0o600)
	}
}
