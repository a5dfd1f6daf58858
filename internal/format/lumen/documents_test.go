package lumen

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func guide(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/guide/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGuideExamples(t *testing.T) {
	index, err := DecodeIndex(guide(t, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Index{Name: "my-lumen-registry", Version: "1.0.0", UpdatedAt: "2024-01-15T10:30:00Z", PackageCount: 2,
		Packages: []IndexEntry{{Name: "my-utils", Latest: "1.0.0", Description: "Utility functions"}}}); !cmp.Equal(index, want) {
		t.Error(cmp.Diff(want, index))
	}
	minimal, err := DecodeIndex(guide(t, "minimal.json"))
	if err != nil || minimal.Name != "local-dev" || len(minimal.Packages) != 0 {
		t.Errorf("the minimal index = %+v, %v", minimal, err)
	}
	pkg, err := DecodePackageIndex(guide(t, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (PackageIndex{Name: "my-utils", Versions: []string{"0.1.0", "1.0.0"}, Latest: "1.0.0", Yanked: map[string]string{},
		Prereleases: []string{}, Description: "Utility functions", Categories: []string{"utilities"}}); !cmp.Equal(pkg, want) {
		t.Error(cmp.Diff(want, pkg))
	}
	meta, err := DecodeMetadata(guide(t, "metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Metadata{Name: "my-utils", Version: "1.0.0", Deps: map[string]string{"@org/http": "^1.0.0"},
		Artifacts: []Artifact{{Kind: "tar", URL: "artifacts/sha256/ab/c1234...tar", Hash: "sha256:abc123...", Size: 10240}},
		Integrity: &Integrity{ManifestHash: "sha256:def456..."}, License: "MIT", Description: "Utility functions"}); !cmp.Equal(meta, want) {
		t.Error(cmp.Diff(want, meta))
	}
}

// TestGuideExamplesAgain: the guide's documents are written as the guide has them, but for its lists on one line.
func TestGuideExamplesAgain(t *testing.T) {
	index, _ := DecodeIndex(guide(t, "index.json"))
	meta, _ := DecodeMetadata(guide(t, "metadata.json"))
	pkg, _ := DecodePackageIndex(guide(t, "package.json"))
	flat := func(b []byte) string { return strings.Join(strings.Fields(string(b)), "") }
	for name, got := range map[string][]byte{"index.json": Encode(index), "metadata.json": Encode(meta)} {
		if diff := cmp.Diff(string(guide(t, name)), string(got)); diff != "" {
			t.Error(name, diff)
		}
	}
	if got, want := flat(Encode(pkg)), flat(guide(t, "package.json")); got != want {
		t.Errorf("package index = %s, want %s", got, want)
	}
}

func TestEncodeEmpty(t *testing.T) {
	for _, test := range []struct {
		document any
		want     string
	}{
		{Index{Name: "r", Version: "1.0.0"}, "{\n  \"name\": \"r\",\n  \"version\": \"1.0.0\",\n  \"package_count\": 0,\n  \"packages\": []\n}\n"},
		{PackageIndex{Name: "a"}, "{\n  \"name\": \"a\",\n  \"versions\": [],\n  \"yanked\": {},\n  \"prereleases\": [],\n  \"categories\": []\n}\n"},
		{Metadata{Name: "a", Version: "1.0.0"}, "{\n  \"name\": \"a\",\n  \"version\": \"1.0.0\",\n  \"deps\": {},\n  \"artifacts\": []\n}\n"},
		{Keys{}, "{\n  \"keys\": []\n}\n"},
		{&Index{Name: "<&>"}, "{\n  \"name\": \"<&>\",\n  \"version\": \"\",\n  \"package_count\": 0,\n  \"packages\": []\n}\n"},
	} {
		if got := string(Encode(test.document)); got != test.want {
			t.Errorf("Encode(%+v) = %s, want %s", test.document, got, test.want)
		}
	}
	if got := Encode(Statement{}); bytes.Contains(got, []byte("null")) {
		t.Errorf("a statement has a null: %s", got)
	}
}

// TestPublisherVerified: the client can't read a publisher without the member.
func TestPublisherVerified(t *testing.T) {
	if got := Encode(Metadata{Publisher: &Publisher{Name: "ci"}}); !bytes.Contains(got, []byte(`"verified": false`)) {
		t.Errorf("no verified in %s", got)
	}
}

func TestDecodeTolerant(t *testing.T) {
	for _, text := range []string{
		`{"name":"a","versions":["1.0.0"],"yanked":null,"prereleases":null,"categories":null,"downloads":7,"latest":null,"other":{"x":[1,{"y":2,"y":3}]}}`,
		`{"name":"a","versions":["1.0.0-RC","1.0.0-rc"],"yanked":{"1.0.0-RC":"","1.0.0-rc":"x"}}`,
		`{"name":"a","versions":["1.0.0"]}`,
	} {
		x, err := DecodePackageIndex([]byte(text))
		if err != nil || x.Name != "a" || len(x.Versions) == 0 {
			t.Errorf("DecodePackageIndex(%s) = %+v, %v", text, x, err)
		}
	}
	m, err := DecodeMetadata([]byte(`{"name":"a","version":"1.0.0","deps":null,"artifacts":null,"integrity":null,
		"signature":{"algorithm":"ed25519","key_id":"k"},"transparency":{},"keywords":null}`))
	if err != nil || m.Name != "a" {
		t.Errorf("DecodeMetadata = %+v, %v", m, err)
	}
	if got := Encode(m); bytes.Contains(got, []byte("signature")) || bytes.Contains(got, []byte("null")) {
		t.Errorf("encoded again it has what the client can't read: %s", got)
	}
}

func TestDecodeRefused(t *testing.T) {
	for text, hint := range map[string]string{
		"":                        "not valid JSON",
		"<html>":                  "byte 1",
		`{"name":"a"} trailing`:   "not valid JSON",
		`{"yanked":["1.0.0"]}`:    `"yanked"`,
		`{"versions":"1.0.0"}`:    `"versions"`,
		`{"name":"a","name":"b"}`: `"name" twice`,
		`{"Versions":["1.0.0"]}`:  `must be written "versions"`,
		`{"versions":["1.0.0"],"ver\u017fions":["6.6.6"]}`: `must be written "versions"`,
		`{"yanked":{"1.0.0":"","1.0.0":"x"}}`:              `"1.0.0" twice`,
		`[]`:                                               "array",
	} {
		_, err := DecodePackageIndex([]byte(text))
		wantFault(t, err, fault.Invalid, "bad_document")
		if err != nil && !strings.Contains(err.Error(), hint) {
			t.Errorf("DecodePackageIndex(%s) = %v, want a hint with %s", text, err, hint)
		}
	}
	_, err := DecodeMetadata([]byte(`{"artifacts":[{"kind":"tar","HASH":"sha256:00"}]}`))
	wantFault(t, err, fault.Invalid, "bad_document")
	_, err = DecodeMetadata(bytes.Repeat([]byte(" "), MaxMetadata+1))
	wantFault(t, err, fault.TooLarge, "")
	_, err = DecodeIndex(bytes.Repeat([]byte("["), 1<<20))
	wantFault(t, err, fault.Invalid, "bad_document")
}
