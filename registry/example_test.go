package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/org/registry-action/registry"
)

// A registry for development, and its handler on a server of one's own.
func ExampleLocal() {
	dir, err := os.MkdirTemp("", "registry-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	reg, err := registry.Local(dir, "http://localhost:3000")
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Close()

	ctx := context.Background()
	v, err := reg.Publish(ctx, packed(`{"name": "@acme/hello", "version": "1.0.0"}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.TarballURL)

	srv := httptest.NewServer(reg.Handler())
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/packages/@acme/hello/versions")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(os.Stdout, resp.Body)
	// Output:
	// http://localhost:3000/@acme/hello/-/hello-1.0.0.tgz
	// {"versions":["1.0.0"]}
}

// Publishing, reading and listing without HTTP.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "registry-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	reg, err := registry.New(registry.Config{
		DataDir:    dir,
		BaseURL:    "https://registry.example.com",
		Token:      "a secret of the operator",
		NoUpstream: true, // only what is published here
	})
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Close()

	ctx := context.Background()
	for _, manifest := range []string{
		`{"name": "greeter", "version": "1.0.0", "description": "Says hello"}`,
		`{"name": "greeter", "version": "1.1.0", "description": "Says hello to many"}`,
	} {
		if _, err := reg.Publish(ctx, packed(manifest)); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := reg.Publish(ctx, packed(`{"name": "greeter", "version": "2.0.0-beta.1"}`), "next"); err != nil {
		log.Fatal(err)
	}
	versions, err := reg.Versions(ctx, "greeter")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(versions)

	latest, err := reg.Version(ctx, "greeter", "latest")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(latest.Version, latest.TarballURL)

	for p, err := range reg.Packages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Name, p.Latest, p.Description)
	}

	_, err = reg.Publish(ctx, packed(`{"name": "greeter", "version": "1.0.0", "description": "Something else"}`))
	fmt.Println(errors.Is(err, registry.ErrExists), err)
	// Output:
	// [2.0.0-beta.1 1.1.0 1.0.0]
	// 1.1.0 https://registry.example.com/greeter/-/greeter-1.1.0.tgz
	// greeter 1.1.0 Says hello to many
	// true You cannot publish over the previously published versions: 1.0.0.
}

// The packages of a commit.
func ExampleRegistry_PublishCommit() {
	dir, err := os.MkdirTemp("", "registry-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	reg, err := registry.Local(dir, "http://localhost:3000")
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Close()

	ctx := context.Background()
	const sha = "4a51b0d5a3c1e7f0b6a9d8c7e6f5a4b3c2d1e0f9"
	_, err = reg.PublishCommit(ctx, "acme/widgets", sha, []string{"pr/7"},
		packed(`{"name": "@acme/core", "version": "0.0.0-commit.g4a51b0d5a3"}`),
		packed(`{"name": "@acme/cli", "version": "0.0.0-commit.g4a51b0d5a3", "dependencies": {"@acme/core": "0.0.0-commit.g4a51b0d5a3"}}`))
	if err != nil {
		log.Fatal(err)
	}
	commit, err := reg.Commit(ctx, sha[:7])
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range commit.Packages {
		fmt.Println(p.Name, p.Version)
	}
	// Output:
	// @acme/cli 0.0.0-commit.g4a51b0d5a3
	// @acme/core 0.0.0-commit.g4a51b0d5a3
}

// packed makes a tarball of a package.json alone; `npm pack` makes real ones.
func packed(manifest string) io.Reader {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	err := tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))})
	_, err2 := io.WriteString(tw, manifest)
	if err := errors.Join(err, err2, tw.Close(), gz.Close()); err != nil {
		log.Fatal(err)
	}
	return &b
}
