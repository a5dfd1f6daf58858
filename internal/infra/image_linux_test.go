package infra

import (
	"debug/elf"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the image's user.
const nobody = 65532

// buildContext copies what .dockerignore lets into the build.
func buildContext(t *testing.T) string {
	t.Helper()
	dir, rules := t.TempDir(), ignoreRules(t)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(root, file)
		switch {
		case err != nil || relErr != nil:
			return errors.Join(err, relErr)
		case name == ".":
			return nil
		case d.IsDir() && (name == ".git" || !strings.Contains(name, "/") && ignored(rules, name)): // it only has the version
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, name), 0o755)
		case ignored(rules, name):
			return nil
		}
		text, err := os.ReadFile(file)
		return errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// buildImage runs the commands of the build in its context and copies what the image copies, to a folder that becomes
// the root. ca stands for the certificates of the build's system.
func buildImage(t *testing.T, ca []byte) string {
	t.Helper()
	stages, context, built, image := dockerfile(t), buildContext(t), t.TempDir(), t.TempDir()
	for _, line := range of(stages[0], "RUN") {
		script := strings.ReplaceAll(mounts.ReplaceAllString(line, ""), "/image", built)
		must(t, command(t, context, append(os.Environ(), "TARGETOS=linux", "TARGETARCH=", "GOFLAGS=-mod=readonly"), "sh", "-ec", script))
	}
	for _, line := range of(stages[1], "COPY") {
		fields := strings.Fields(line)
		from, to := fields[len(fields)-2], filepath.Join(image, fields[len(fields)-1])
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(from, "ca-certificates.crt") {
			if err := os.WriteFile(to, ca, 0o444); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.Rename(filepath.Join(built, strings.TrimPrefix(from, "/image")), to); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// shutIn makes a command that has a folder as its root, which it can't write to, and runs as nobody.
func shutIn(t *testing.T, image string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/registry-server", args...)
	cmd.Env, cmd.Dir = env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: image}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		return cmd
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
	return cmd
}

// readOnly takes the right to write from every folder but the volume, which becomes nobody's.
func readOnly(t *testing.T, image string) {
	t.Helper()
	volume := filepath.Join(image, "var/lib/registry")
	err := filepath.WalkDir(image, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == volume && os.Geteuid() == 0:
			return os.Chown(path, nobody, nobody)
		case path != volume && d.IsDir():
			return os.Chmod(path, 0o555)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = filepath.WalkDir(image, func(path string, d fs.DirEntry, err error) error { // so that it can be removed
			if err == nil && d.IsDir() {
				_ = os.Chmod(path, 0o755)
			}
			return nil
		})
	})
}

// The image's commands build a program that needs nothing but what the image has: no shell, no /tmp, no /etc/passwd, no
// /proc, no right to write but in its volume. It finds the image's certificates, says that it is well and ends cleanly.
func TestImageRuns(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/from-upstream" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"name": "from-upstream", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"name": "from-upstream", "version": "1.0.0",
			"dist": {"tarball": "https://127.0.0.1/from-upstream.tgz", "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}}}}`))
	}))
	defer upstream.Close()
	image := buildImage(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw}))
	program, err := elf.Open(filepath.Join(image, "registry-server"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program needs the libraries %q, %v", libraries, err)
	}
	readOnly(t, image)
	env := []string{"REGISTRY_DATA=/var/lib/registry", "TMPDIR=/var/lib/registry", "LOG_FORMAT=json", "HOST=127.0.0.1", "PORT=0", "REGISTRY_TOKEN=" + token, "NPM_UPSTREAM=" + upstream.URL}
	r := run(t, shutIn(t, image, env))
	r.roundTrip()
	if doc := r.get("/from-upstream"); !strings.Contains(doc, "1.0.0") {
		t.Errorf("upstream's package is %s", doc)
	}
	port := r.url[strings.LastIndex(r.url, ":")+1:]
	if out, err := shutIn(t, image, append(env, "PORT="+port), "health").CombinedOutput(); err != nil {
		t.Errorf("health of a running server: %v: %s", err, out)
	}
	if out, err := shutIn(t, image, append(env, "PORT=1"), "health").CombinedOutput(); err == nil {
		t.Errorf("health of no server: %s", out)
	}
	for _, name := range []string{".", "etc", "var", "var/lib"} {
		entries, err := os.ReadDir(filepath.Join(image, name))
		if want := map[string]int{".": 3, "etc": 1, "var": 1, "var/lib": 1}[name]; err != nil || len(entries) != want {
			t.Errorf("/%s has %v, %v, want %d", name, entries, err, want)
		}
	}
}
