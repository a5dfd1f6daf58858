package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// publicBucket runs S3 with a bucket that everybody may read, as one that hosts a registry is, and returns the URL of the bucket.
func publicBucket(t *testing.T) (s *s3server.Server, url string) {
	t.Helper()
	s = s3server.Start(t)
	c, err := awsconfig.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, s3server.Bucket)
	_, err = s3.NewFromConfig(c, awsconfig.S3(s.URL, true)).PutBucketPolicy(context.WithoutCancel(t.Context()), &s3.PutBucketPolicyInput{Bucket: new(s3server.Bucket), Policy: &policy})
	if err != nil {
		t.Fatal(err)
	}
	return s, s.URL + "/" + s3server.Bucket
}

// bucketEnv is what a command that writes to the S3 of a test is told.
func bucketEnv(s *s3server.Server) []string {
	env := []string{"S3_ENDPOINT=" + s.URL, "S3_FORCE_PATH_STYLE=true"}
	for name, value := range s3server.Environment() {
		env = append(env, name+"="+value)
	}
	return env
}

// Lumen's own client finds, resolves and installs packages, whether a server, nginx, a bucket or a folder serves them.
func TestLumenClient(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	bucket, bucketURL := publicBucket(t)
	work := t.TempDir()
	www, conf, home := filepath.Join(work, "www"), filepath.Join(work, "lumen.conf"), filepath.Join(work, "home")
	env := cleanEnv(append(bucketEnv(bucket), "REGISTRY_TOKEN="+guideToken)...)
	run := func(dir string, args ...string) {
		exe(t, dir, env, filepath.Join(bin, "registry-server"), args...).must(t)
	}
	base, http := lumenPackage(t, "@acme/base", "0.1.0"), t.TempDir()
	write(t, http, "-- lumen.toml --\n[package]\nname = \"@acme/http\"\nversion = \"1.0.0\"\n[dependencies]\n\"@acme/base\" = \"^0.1.0\"\n-- src/main.lm --\ncell main() -> Int\n")
	broken := lumenPackage(t, "@acme/http", "1.1.0")
	for _, dir := range []string{base, http, broken} {
		run(dir, "publish", "lumen", "--registry", s.url)
	}
	exe(t, work, env, "curl", "-fsS", "-X", "POST", s.url+"/lumen/packages/@acme/http/1.1.0/yank", "-H", "Authorization: Bearer "+guideToken).must(t)
	run(work, "export", "lumen", www, "--registry", s.url, "--nginx", conf)
	run(work, "export", "lumen", "s3://"+s3server.Bucket+"/tree", "--registry", s.url)

	tool := clients.Get(t, clients.Wares)
	at := func(registry string) func(dir string, args ...string) result {
		env := cleanEnv("HOME="+home, "LUMEN_REGISTRY="+registry, "LUMEN_AUTH_TOKEN="+guideToken, "NO_COLOR=1")
		return func(dir string, args ...string) result { return exe(t, dir, env, tool.Path, args...) }
	}
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, registry := range map[string]string{
		"a server": s.url + "/lumen", "with a slash": s.url + "/lumen/", "below api": s.url + "/lumen/api/v1",
		"nginx": startNGINX(t, conf), "a bucket": bucketURL + "/tree", "a folder": "file://" + www,
	} {
		t.Run(name, func(t *testing.T) {
			app, wares := t.TempDir(), at(registry)
			write(t, app, "-- lumen.toml --\n[package]\nname = \"@acme/app\"\nversion = \"0.1.0\"\n\n[registry]\n\n[dependencies]\n\"@acme/http\" = \"^1.0.0\"\n-- src/main.lm --\ncell main() -> Int\n")
			wares(app, "install").must(t)
			if lock := read(t, filepath.Join(app, "lumen.lock")); strings.Count(lock, "[[package]]") != 2 || !strings.Contains(lock, `version = "1.0.0"`) || strings.Contains(lock, "1.1.0") {
				t.Errorf("lumen.lock: %s", lock)
			}
			for _, file := range []string{"@acme/http/1.0.0/lumen.toml", "@acme/base/0.1.0/src/main.lm"} {
				if _, err := os.Stat(filepath.Join(app, ".lumen/registry/installed", file)); err != nil {
					t.Error(err)
				}
			}
			if r := wares(app, "info", "@acme/http").must(t); !strings.Contains(r.stdout+r.stderr, "1.0.0") {
				t.Error(r)
			}
		})
	}
	wares := at(s.url + "/lumen")
	for want, args := range map[string][]string{"authenticated": {"whoami"}, "owners of ": {"owner", "list", "@acme/http"}} {
		if r := wares(work, args...).must(t); !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("%v: %v", args, r)
		}
	}
}
