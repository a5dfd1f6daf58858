package s3tree

import (
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string][2]string{
		"s3://lumen": {"lumen", ""}, "s3://lumen/": {"lumen", ""}, "s3://lumen/a/b/": {"lumen", "a/b"},
	} {
		if bucket, prefix, err := ParseURL(text); err != nil || bucket != want[0] || prefix != want[1] {
			t.Errorf("ParseURL(%q) = %q, %q, %v", text, bucket, prefix, err)
		}
	}
	for _, text := range []string{"", "s3://", "s3:///x", "lumen", "https://lumen/x", "s3://user@lumen", "s3://lumen?x"} {
		if _, _, err := ParseURL(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseURL(%q) = %v, want fault.Invalid", text, err)
		}
	}
	for path, want := range map[string]string{"index.json": "a/index.json", "": "a/"} {
		if got := *(&Bucket{cfg: Config{Prefix: "a"}}).key(path); got != want {
			t.Errorf("key(%q) = %q, want %q", path, got, want)
		}
	}
	if got := *(&Bucket{}).key("index.json"); got != "index.json" {
		t.Errorf("without a prefix: %q", got)
	}
}
