package lumen

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

func TestValidName(t *testing.T) {
	for _, name := range []string{"@a/b", "@acme/http-utils", "@0/9-a-b", "@a/" + strings.Repeat("b", 61)} {
		if err := ValidName(name, false); err != nil {
			t.Errorf("ValidName(%q) = %v, want nil", name, err)
		}
	}
	for _, name := range []string{
		"", "@", "/", "@a", "@a/", "@/b", "a/b", "@a/b/c", "@A/b", "@a/b_c", "@a/b.c", "@a/-b", "@a/b-", "@a/b--c", "@a/ b", "@a/b\n",
		"@a/..", "@../b", `@a\b`, "@a/é", "@a/" + strings.Repeat("b", 62), "b.json", "@a%2fb",
	} {
		wantFault(t, ValidName(name, true), fault.Invalid, "bad_name")
	}
	wantFault(t, ValidName("my-utils", false), fault.Invalid, "bad_name")
	if err := ValidName("my-utils", true); err != nil {
		t.Errorf("ValidName(my-utils, unscoped) = %v, want nil", err)
	}
}

func TestPaths(t *testing.T) {
	d := digest.Of(nil)
	for got, want := range map[string]string{
		PackageIndexPath("@a/b"):       "packages/@a/b/index.json",
		PackageIndexPath("b"):          "packages/b/index.json",
		MetadataPath("@a/b", "1.0.0"):  "packages/@a/b/1.0.0.json",
		SignaturePath("@a/b", "1.0.0"): "signatures/@a/b/1.0.0.sig.json",
		ArtifactPath(d, "tar"):         "artifacts/sha256/e3/b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.tar",
		ArtifactPath(d, ""):            "artifacts/sha256/e3/b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
