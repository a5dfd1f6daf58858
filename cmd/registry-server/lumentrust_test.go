package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Who remembers what was seen is shown no older tree, which is good to everybody else until it expires, nor another one of the same number.
func TestLumenVerifySeen(t *testing.T) {
	work := t.TempDir()
	dir, old, fork := filepath.Join(work, "new"), filepath.Join(work, "old"), filepath.Join(work, "fork")
	key, seen := filepath.Join(work, "key.json"), filepath.Join(work, "seen.json")
	cli(t, "", "key", "create", key).want(0, "")
	publish := func(to, name, version string) {
		t.Helper()
		cli(t, "", "publish", "lumen", lumenPackage(t, name, version), "--registry", "file://"+to, "--key", key).want(0, "published")
	}
	publish(dir, "@acme/http", "1.0.0")
	for _, copied := range []string{old, fork} {
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	publish(dir, "@acme/http", "1.1.0")
	publish(fork, "@acme/uri", "1.0.0")
	verify := func(tree string, code int, want string) {
		t.Helper()
		cli(t, "", "verify", "lumen", tree, "--seen", seen).want(code, want)
	}
	verify(old, 0, "1 version ")
	verify(old, 0, "1 version ")
	verify(dir, 0, "2 versions ")
	verify(old, 1, "its number is 1, and 2 was seen before")
	verify(fork, 1, "another checkpoint with the number 2")
	verify(dir, 0, "2 versions ")
	cli(t, "", "verify", "lumen", old).want(0, "1 version ")
	unsigned := filepath.Join(work, "unsigned")
	cli(t, "", "publish", "lumen", lumenPackage(t, "@acme/http", "1.0.0"), "--registry", "file://"+unsigned).want(0, "published")
	verify(unsigned, 1, "the tree is to be signed")
	cli(t, "", "verify", "lumen", unsigned, "--seen", filepath.Join(work, "none")).want(1, "no checkpoint to remember")
	if err := os.WriteFile(seen, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	verify(dir, 1, "remove it to begin anew")
}

// A version is yanked where it was published: by a server, and in a folder that a key of one's own signs.
func TestLumenYank(t *testing.T) {
	url, _ := serving(t, t.TempDir())
	dir, key := filepath.Join(t.TempDir(), "registry"), filepath.Join(t.TempDir(), "new", "key.json")
	cli(t, "", "key", "create", key).want(0, "")
	cli(t, "", "key", "create", key).want(1, "exists")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	p := lumenPackage(t, "@acme/http", "1.0.0")
	for _, at := range [][]string{{"--registry", url, "--token", lumenToken}, {"--registry", "file://" + dir, "--key", key}} {
		run := func(args ...string) result { return cli(t, "", append(args, at...)...) }
		tree := strings.Replace(strings.TrimPrefix(at[1], "file://"), url, url+"/lumen", 1)
		run("publish", "lumen", p).want(0, "published")
		run("yank", "lumen", "@acme/http", "1.0.0", "--reason", "leaks").want(0, "@acme/http 1.0.0 is yanked")
		cli(t, "", "verify", "lumen", tree).want(0, "1 version (1 signed, 1 yanked)")
		run("yank", "lumen", "@acme/http", "1.0.0", "--undo").want(0, "@acme/http 1.0.0 is offered")
		cli(t, "", "verify", "lumen", tree).want(0, "1 version (1 signed, 0 yanked)")
		run("yank", "lumen", "@acme/http", "2.0.0").want(1, "2.0.0")
		run("yank", "lumen", "../http", "1.0.0").want(1, "the package name")
		run("yank", "lumen", "@acme/http", "../1").want(1, "is no version")
		run("yank", "lumen", "@acme/http", "1.0.0", "--reason", strings.Repeat("x", 501)).want(1, "shorten it")
	}
	cli(t, "", "yank", "lumen", "@acme/http", "1.0.0", "--registry", url).want(1, "Authorization required")
	cli(t, "", "yank", "lumen", "@acme/http", "1.0.0", "--registry", "file://"+dir).want(1, "--key")
}

// What is no registry stays as it is.
func TestLumenYankMakesNothing(t *testing.T) {
	typo, other := filepath.Join(t.TempDir(), "typo"), t.TempDir()
	for _, dir := range []string{typo, other} {
		cli(t, "", "yank", "lumen", "@acme/http", "1.0.0", "--registry", "file://"+dir).want(1, "there is no package @acme/http in the folder "+dir)
	}
	if _, err := os.Stat(typo); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) > 0 {
		t.Errorf("in the folder is %v, %v", left, err)
	}
}

// A URL with a host is not taken for a folder below the present one, which file://./ names.
func TestLumenFileURLs(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	p, data := lumenPackage(t, "@acme/http", "1.0.0"), t.TempDir()
	_, stop := serving(t, data)
	stop()
	for _, url := range []string{"file://srv/lumen", "file://"} {
		for _, args := range [][]string{
			{"publish", "lumen", p, "--registry", url}, {"yank", "lumen", "@acme/http", "1.0.0", "--registry", url}, {"verify", "lumen", url},
			{"export", "lumen", url, "--data", data}, {"import", "lumen", url, "--data", data},
		} {
			cli(t, "", args...).want(2, strconv.Quote(url)+" names the folder of another host; write ")
		}
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Errorf("made %v, %v", left, err)
	}
	cli(t, "", "publish", "lumen", p, "--registry", "file://./tree").want(0, "published")
	cli(t, "", "yank", "lumen", "@acme/http", "1.0.0", "--registry", "file://./tree").want(0, "is yanked")
	cli(t, "", "verify", "lumen", "file://"+work+"/tree").want(0, "1 yanked")
	cli(t, "", "import", "lumen", "file://./tree", "--data", data).want(0, "1 version imported")
	cli(t, "", "export", "lumen", "file://"+work+"/www", "--data", data, "--nginx", "lumen.conf").want(0, "written")
	if text, err := os.ReadFile("lumen.conf"); err != nil || !strings.Contains(string(text), `root "`+work+`/www"`) {
		t.Errorf("the configuration of nginx: %s, %v", text, err)
	}
}
