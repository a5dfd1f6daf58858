package commitapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/webtest"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

// tgz makes an archive with one file.
func tgz(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	tw.Write([]byte(content))
	tw.Close()
	gz.Close()
	return b.String()
}

// A Zig package in the JSON form is refused as one in the multipart form is, wherever its name stands.
func TestJSONWithZigPackage(t *testing.T) {
	stores := webtest.OpenStores(t)
	service := commits.New(stores.DB, stores.Blobs, stores.Life, commits.Options{MaxPackage: 64 << 10, SpoolDir: stores.Spool})
	n := webtest.Serve(t, stores.Log, func(url string) http.Handler {
		users := auth.New(stores.DB, auth.Options{RootToken: webtest.RootToken})
		return (&commitapi.API{Control: access.Control{Auth: users}, Commits: service, BaseURL: url, MaxPublish: 256 << 10, Log: stores.Log}).Publishing()
	})
	quoted := func(file, content string) string {
		return `"` + base64.StdEncoding.EncodeToString([]byte(tgz(t, file, content))) + `"`
	}
	archives := strings.NewReplacer(
		"ZIG", quoted("build.zig.zon", `.{ .name = .greet, .version = "1.0.0" }`),
		"NPM", quoted("package/package.json", `{"name":"a","version":"1.0.0"}`),
		"BOTH", quoted("package/package.json", `{"name":"greet","version":"1.0.0"}`))
	for name, tt := range map[string]struct{ body, code string }{
		"at the top, name first":    {`"name":"zig:greet","tarball":ZIG`, "zig_upload"},
		"at the top, tarball first": {`"tarball":ZIG,"name":"zig:greet"`, "zig_upload"},
		"behind npm's":              {`"packages":[{"name":"a","tarball":NPM},{"tarball":ZIG,"name":"zig:greet"}]`, "zig_upload"},
		"before npm's":              {`"packages":[{"tarball":ZIG,"name":"zig:greet"},{"name":"a","tarball":NPM}]`, "zig_upload"},
		"an archive as npm's":       {`"name":"zig:greet","tarball":BOTH`, "zig_upload"},
		"under npm's name":          {`"name":"greet","tarball":ZIG`, "bad_archive"},
		"npm's archive is broken":   {`"packages":[{"name":"a","tarball":ZIG},{"name":"zig:greet","tarball":ZIG}]`, "bad_archive"},
		"elsewhere":                 {`"name":"a","else":{"tarball":ZIG},"tarball":NPM`, "bad_archive"},
		"broken behind it":          {`"name":"zig:greet","tarball":ZIG,,`, "bad_archive"},
		"base64 broken behind it":   {`"packages":[{"name":"zig:greet","tarball":ZIG},{"name":"a","tarball":"!"}]`, "bad_archive"},
		"the mark of a refusal":     {`"name":"zig:greet","tarball":-1`, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			n := n
			n.T = t
			body := `{"sha":"` + sha + `",` + archives.Replace(tt.body) + `}`
			n.Do(http.MethodPost, "/publish/commit", strings.NewReader(body), "Content-Type: application/json").Want(t, http.StatusBadRequest, `"code":"`+tt.code+`"`)
			if _, err := service.Commit(t.Context(), sha); !errors.Is(err, fault.NotFound) {
				t.Errorf("the commit is visible: %v", err)
			}
			if left := stores.Spooled(t); len(left) != 0 {
				t.Errorf("the refused publish leaves %v", left)
			}
		})
	}
}
