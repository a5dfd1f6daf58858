package registry_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

const sha2 = "1111111111111111111111111111111111111111"

// kept is a node with packages of every kind, and what each blob is needed by.
type kept struct {
	*node
	needs map[string][]string // hex digits -> kind and name
}

// keepAll publishes something of every kind that there is.
func keepAll(t *testing.T, c registry.Config) *kept {
	t.Helper()
	c.ControlToken = control
	k := &kept{node: start(t, registry.Rechecking(c, time.Millisecond)), needs: map[string][]string{}}
	for _, version := range []string{"1.0.0", "1.1.0"} {
		file := tgz(t, "@acme/a", version, noise(5000)+version)
		k.must(http.StatusCreated, k.put("@acme/a", version, file))
		k.need(file, "npm @acme/a@"+version)
	}
	k.must(http.StatusCreated, k.put("gone", "1.0.0", tgz(t, "gone", "1.0.0", "gone")))
	k.must(http.StatusOK, k.request(http.MethodDelete, "/gone/-rev/"+k.get("/gone").json(t)["_rev"].(string), nil))
	if a := k.request(http.MethodPut, "/-/package/@acme%2fa/dist-tags/next", strings.NewReader(`"1.0.0"`), "Content-Type: application/json"); a.StatusCode >= 300 {
		t.Fatalf("the dist-tag: %d %s", a.StatusCode, a.body)
	}
	whole := tgz(t, "@acme/b", "1.0.0", "of a commit")
	k.must(http.StatusCreated, k.postForm("sha", sha, "repository", "org/whole", "ref", "pr/7", "package:@acme/b", whole))
	k.need(whole, "commit "+sha+"/@acme/b")
	for _, commit := range []string{sha, sha2} {
		k.keepSplit(commit)
	}
	k.keepOthers()
	k.keepTrusted()
	return k
}

// keepTrusted makes those who may publish.
func (k *kept) keepTrusted() {
	k.t.Helper()
	for path, body := range map[string]string{
		"/-/admin/trust": `{"repository": "acme/widgets", "tier": "release", "packages": ["@acme/*"], "repositoryId": 74, "ownerId": 65}`,
		"/-/admin/users": `{"name": "alice", "password": "a long password"}`, "/-/admin/tokens": `{"name": "ci", "user": "bob", "permission": "publish"}`,
	} {
		k.must(http.StatusCreated, k.request(http.MethodPost, path, strings.NewReader(body), "Content-Type: application/json"))
	}
}

func (k *kept) must(status int, a answer) {
	k.t.Helper()
	if a.StatusCode != status {
		k.t.Fatalf("%s %s = %d %s, want %d", a.Request.Method, a.Request.URL, a.StatusCode, a.body, status)
	}
}

func (k *kept) need(file, name string) {
	hex := digest.Of([]byte(file)).Hex()
	k.needs[hex] = append(k.needs[hex], name)
}

// keepSplit publishes a package as publish-commit does. Its head has holes for the digits, so that both blobs are those of the
// commit before, and of the package that it is twice.
func (k *kept) keepSplit(commit string) {
	k.t.Helper()
	p := wire.Publication{SHA: commit, Repository: "org/split", Refs: []string{"branch/main"}}
	blobs := map[digest.SHA256][]byte{}
	for _, name := range []string{"@acme/split", "@acme/other"} {
		var packer tarball.Packer
		var head, body bytes.Buffer
		manifest := fmt.Sprintf(`{"name":%q,"version":%q}`, name, npm.PreviewVersion(commit))
		headRun, err := packer.WriteHead(&head, []byte(manifest), commit)
		if err != nil {
			k.t.Fatal(err)
		}
		bodyRun, err := packer.WriteBody(&body, []tarball.File{{Name: "index.js", Size: 9000, Mode: 0o644, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(noise(9000))), nil
		}}})
		if err != nil || !headRun.Holes {
			k.t.Fatal(err, headRun)
		}
		p.Packages = append(p.Packages, wire.Package{Name: name, Head: &headRun.Part, Body: &bodyRun.Part, Holes: true})
		blobs[headRun.Digest], blobs[bodyRun.Digest] = head.Bytes(), body.Bytes()
		k.need(head.String(), "commit "+commit+"/"+name)
		k.need(body.String(), "commit "+commit+"/"+name)
	}
	k.publishParts(p, blobs)
}

// keepOthers publishes Zig and Lumen packages, as releases and of a commit.
func (k *kept) keepOthers() {
	k.t.Helper()
	z, err := k.PublishZig(k.t.Context(), zigTar(k.t, "1.0.0", "one"), "Says hello")
	if err != nil {
		k.t.Fatal(err)
	}
	zig := string(k.get("/zig/p/" + z.LegacyHash + ".tar.gz").body)
	k.need(zig, "zig greet 1.0.0")
	publish := lumenPublish(k.t, "@acme/utils", "1.0.0")
	k.must(http.StatusCreated, k.request(http.MethodPut, "/lumen/v1/wares", strings.NewReader(publish), "Content-Type: application/json"))
	var sent struct{ Tarball string }
	if err := json.Unmarshal([]byte(publish), &sent); err != nil {
		k.t.Fatal(err)
	}
	lumen, err := base64.StdEncoding.DecodeString(sent.Tarball)
	if err != nil {
		k.t.Fatal(err)
	}
	k.need(string(lumen), "lumen @acme/utils 1.0.0")
	p := wire.Publication{SHA: sha, Repository: "org/others"}
	blobs := map[digest.SHA256][]byte{}
	for name, file := range map[string]string{"zig:greet": zig, "lumen:@acme/utils": string(lumen)} {
		part := tarball.Part{Digest: digest.Of([]byte(file)), Size: int64(len(file))}
		p.Packages = append(p.Packages, wire.Package{Name: name, Tarball: &part})
		blobs[part.Digest] = []byte(file)
		k.need(file, "commit "+sha+"/"+name)
	}
	k.publishParts(p, blobs)
}

// verify verifies, and returns the problems by kind and name.
func (k *kept) verify() (v registry.Verification, names []string) {
	k.t.Helper()
	v, err := k.Verify(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, p := range v.Problems {
		if p.Remedy == "" || p.Message == "" {
			k.t.Errorf("a problem says too little: %+v", p)
		}
		names = append(names, p.Kind+" "+p.Name)
	}
	slices.Sort(names)
	return v, slices.Compact(names)
}

// sound verifies, and wants nothing to be wrong.
func (n *node) sound() {
	n.t.Helper()
	v, err := n.Verify(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, p := range v.Problems {
		n.t.Errorf("wrong: %+v", p)
	}
}

func (k *kept) wantSound() registry.Verification {
	k.t.Helper()
	v, _ := k.verify()
	for _, p := range v.Problems {
		k.t.Errorf("wrong: %+v", p)
	}
	return v
}

// files are the blobs below the data folder.
func (k *kept) files() (paths []string) {
	k.t.Helper()
	err := filepath.WalkDir(filepath.Join(k.dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && len(e.Name()) == 64 {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return paths
}

// needers are who needs a blob, in the space that its file is in: releases and commits keep their own.
func (k *kept) needers(path string) []string {
	commits := strings.Contains(path, string(filepath.Separator)+"commits"+string(filepath.Separator))
	var names []string
	for _, name := range k.needs[filepath.Base(path)] {
		if commits == strings.HasPrefix(name, "commit ") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// damage writes other bytes over a blob's file.
func damage(t *testing.T, path string, bytes []byte) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rows lets f change the rows of the stopped registry, and starts it again.
func (k *kept) rows(f func(db kv.Walker)) {
	k.t.Helper()
	k.stop()
	db, err := boltkv.Open(filepath.Join(k.dir, "metadata.db"), boltkv.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	f(db)
	if err := db.Close(); err != nil {
		k.t.Fatal(err)
	}
	k.node = start(k.t, registry.Rechecking(registry.Config{DataDir: k.dir, BaseURL: k.url}, time.Millisecond))
}

// all reads every row.
func all(t *testing.T, db kv.Walker) map[kv.Key]kv.Row {
	t.Helper()
	rows := map[kv.Key]kv.Row{}
	for r, err := range db.Walk(t.Context(), kv.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows[r.Key] = r
	}
	return rows
}
