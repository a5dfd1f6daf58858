package main

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/wire"
)

// farStores are the options of a bucket and a table whose servers end with the test.
func farStores(t *testing.T) []string {
	t.Helper()
	return []string{
		"--s3-bucket", s3server.Bucket, "--s3-endpoint", s3server.Start(t).URL, "--s3-force-path-style",
		"--dynamodb-table", "registry", "--dynamodb-endpoint", dynamoserver.Start(t).URL, "--dynamodb-create",
	}
}

// publishTo publishes a package to a server.
func publishTo(t *testing.T, url, name string) (path, tarball string) {
	t.Helper()
	tarball = tgz(t, `{"name":"`+name+`","version":"1.0.0"}`)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("metadata", `{"name":"`+name+`","version":"1.0.0"}`); err != nil {
		t.Fatal(err)
	}
	part, err := form.CreateFormFile("tarball", "x.tgz")
	if err != nil {
		t.Fatal(err)
	}
	_, err = part.Write([]byte(tarball))
	if err := errors.Join(err, form.Close()); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/publish", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-of-the-test")
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("publishing %s: %s %s", name, resp.Status, text)
	}
	return "/" + name + "/-/" + name + "-1.0.0.tgz", tarball
}

func wantFile(t *testing.T, url, want string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK || b.String() != want {
		t.Errorf("GET %s = %d, %d bytes, %v", url, resp.StatusCode, b.Len(), err)
	}
}

// One command moves a running server; then it starts without options, and so do commands.
func TestMigrateCommand(t *testing.T) {
	far, dir := farStores(t), t.TempDir()
	url, stop := serving(t, dir)
	path, tarball := publishTo(t, url, "moved")
	cli(t, "", "migrate", "--data", dir, "--from", "local").want(2, "from local to s3")
	cli(t, "", "migrate", "--data", dir).want(2, "--abandon")
	cli(t, "", "migrate", "--data", dir, "--from", "s3", "--to", "local").want(0, "moved: 0 rows") // it is there
	r := cli(t, "", append([]string{"migrate", "--data", dir, "--from", "local", "--to", "s3,dynamodb"}, far...)...).want(0, "restart the server")
	if !strings.Contains(r.stderr, "changes were refused for") || !strings.Contains(r.stdout, "1 blob") {
		t.Errorf("it says %q and %q", r.stderr, r.stdout)
	}
	stop()
	if left, err := filepath.Glob(filepath.Join(dir, "metadata.db*")); err != nil || len(left) != 1 || !strings.Contains(left[0], ".moved-") {
		t.Errorf("of the metadata there is %v, %v", left, err)
	}
	url, stop = serving(t, dir)
	wantFile(t, url+path, tarball)
	stop()
	cli(t, "", "token", "list", "--data", dir, "--dynamodb-table", "local").want(1, "migrate --from dynamodb --to local")
	cli(t, "", "token", "create", "--name", "ci", "--data", dir).want(0, "regact_")
	cli(t, "", "backup", "--data", dir, filepath.Join(t.TempDir(), "b")).want(2, "point-in-time")

	// A command that comes first makes no embedded stores where the server is told to use others.
	second := t.TempDir()
	cli(t, "", append([]string{"token", "list", "--data", second}, far...)...).want(0, "ci")
	if _, err := os.Stat(filepath.Join(second, "metadata.db")); !os.IsNotExist(err) {
		t.Errorf("there is an embedded store: %v", err)
	}
}

// Where no server runs, the commands do the work.
func TestOfflineMigration(t *testing.T) {
	far, dir := farStores(t), t.TempDir()
	url, stop := serving(t, dir)
	path, tarball := publishTo(t, url, "moved")
	stop()
	var status wire.MigrationStatus
	cli(t, "", append([]string{"migrate", "--data", dir, "--from", "local", "--to", "s3", "--json"}, far...)...).want(0, "").json(&status)
	if status.Phase != wire.PhaseDone || status.BlobsCopied != 1 || status.RowsCopied != 0 {
		t.Errorf("the status: %+v", status)
	}
	url, stop = serving(t, dir)
	wantFile(t, url+path, tarball)
	stop()
	cli(t, "", append([]string{"migrate", "--data", dir, "--from", "local", "--to", "analytics"}, far...)...).want(2, "--dynamodb-analytics-table")
	cli(t, "", append([]string{"migrate", "--data", dir, "--from", "local", "--to", "analytics", "--dynamodb-analytics-table", "counts"}, far...)...).want(0, "count no downloads")
	cli(t, "", "migrate", "--data", dir, "--from", "analytics", "--to", "local").want(0, "\"counts\" is as it was")
	cli(t, "", "migrate", "--data", dir, "--abandon").want(1, "no migration")
	cli(t, "", append([]string{"migrate", "--data", filepath.Join(dir, "missing"), "--from", "local", "--to", "s3"}, far...)...).want(1, "no data folder")
}

func TestBackupCommand(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	url, stop := serving(t, dir)
	path, tarball := publishTo(t, url, "kept")
	cli(t, "", "backup", "--data", dir, to).want(0, "1 blob")
	stop()
	cli(t, "", "backup", "--data", dir, to+".tar").want(0, "signing keys")
	for i, from := range []string{to, to + ".tar"} {
		again := filepath.Join(t.TempDir(), "again")
		cli(t, "", "restore", from, "--data", again).want(0, "restored to")
		cli(t, "", "restore", from, "--data", again).want(1, "not empty")
		url, stop = serving(t, again)
		wantFile(t, url+path, tarball)
		publishTo(t, url, []string{"one", "two"}[i])
		stop()
	}
	cli(t, "", "restore", filepath.Join(dir, "missing"), "--data", filepath.Join(dir, "new")).want(1, "there is no backup")
	cli(t, "", "restore", dir, "--data", filepath.Join(dir, "new")).want(1, "not complete")
}
