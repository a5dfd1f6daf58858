package pkgprnewapi_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/webtest"
)

func TestPublish(t *testing.T) {
	w := newWorld(t)
	w.publish(9001, sha, []field{file(t, "a", "x")}).Want(t, http.StatusNotFound, "no_run") // nobody has checked it
	if got := w.check(9001).Want(t, http.StatusOK, ""); got.Text("sha") != sha {
		t.Errorf("check = %s", got.Data)
	}
	b, a := file(t, "@acme/b", "of b"), file(t, "a", "of a")
	got := w.publish(9001, sha, []field{
		{"template:default:index.js", "", "templates have files"}, {"template:x:..%2F..%2Fetc%2Fpasswd", "blob", "\x00"}, b, a,
	}, "sb-compact: true").Want(t, http.StatusOK, "2 files of templates were left out")
	want := []any{w.URL + "/acme/ws/@acme/b@" + sha, w.URL + "/acme/ws/a@" + sha} // in the order of the form
	if urls, _ := got.JSON()["urls"].([]any); !slices.Equal(urls, want) {
		t.Errorf("urls = %v, want %v", urls, want)
	}
	for path, content := range map[string]string{
		"/acme/ws/@acme/b@" + sha: b.content, "/acme/ws/@acme%2fb@" + sha + ".tgz": b.content, "/ACME/ws/%40acme%2Fb@" + sha: b.content, "/a@" + sha: a.content,
	} {
		if got := w.Get(path).Want(t, http.StatusOK, ""); string(got.Data) != content || got.Header.Get("X-Commit-Key") != "acme:ws:"+sha {
			t.Errorf("%s has %d bytes and the key %q", path, len(got.Data), got.Header.Get("X-Commit-Key"))
		}
	}
	// Every other form leads there. A short SHA of digits alone is no pull request, as long as there is none.
	for _, path := range []string{"/acme/ws/a@main", "/acme/ws/a@1111111", "/a@1111111", "/@acme/b@1111111.tgz", "/acme/ws/a@branch:main"} {
		if got := w.Get(path).Want(t, http.StatusFound, ""); !strings.Contains(got.Header.Get("Location"), "@"+sha) {
			t.Errorf("%s leads to %s", path, got.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/acme/ws/a@1", "/acme/ws/a@111111", "/acme/other/a@1111111", "/acme/ws/c@main", "/acme/a@main"} {
		w.Get(path).Want(t, http.StatusNotFound, "")
	}
	p, err := w.commits.Package(t.Context(), sha, "a")
	if err != nil || p.Proof == nil || p.Proof.RunID != 9001 || p.Proof.Tier != "preview" {
		t.Errorf("what is kept of the run: %+v, %v", p.Proof, err)
	}
	w.Do(http.MethodHead, "/~/Acme/WS", nil).Want(t, http.StatusNoContent, "")
	if got := w.Do(http.MethodHead, "/~/acme/none", nil).Want(t, http.StatusNotFound, ""); got.Header.Get("X-Has-Releases") != "0" {
		t.Errorf("of nothing: %v", got.Header)
	}
	if lines := w.stores.Lines.String(); !strings.Contains(lines, `who="pkg-pr-new (run https://github.com/acme/ws/actions/runs/9001)"`) {
		t.Errorf("the audit does not name the run:\n%s", lines)
	}
}

// A repository that is called as its package is named once.
func TestRepositoryCalledAsThePackage(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	ws := file(t, "ws", "x")
	w.publish(9001, sha, []field{ws}).Want(t, http.StatusOK, "")
	if got := w.Get("/acme/ws@"+sha).Want(t, http.StatusOK, ""); string(got.Data) != ws.content {
		t.Errorf("it has %d bytes", len(got.Data))
	}
	w.Get("/acme/ws@main").Want(t, http.StatusFound, "/acme/ws/ws@"+sha)
}

// What a commit has stays, whoever comes; saying the same twice is fine.
func TestNothingIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	first := file(t, "a", "first")
	w.publish(9001, sha, []field{first}).Want(t, http.StatusOK, "")
	w.publish(9001, sha, []field{first}).Want(t, http.StatusOK, `"unchanged":["a"]`)
	w.publish(9001, sha, []field{file(t, "a", "second"), file(t, "b", "new")}).Want(t, http.StatusOK, "a already, with other bytes, which stay")
	w.Get("/a@"+sha).Want(t, http.StatusOK, first.content)
	w.Get("/b@"+sha).Want(t, http.StatusOK, "")
	// Another repository has published for the other commit, with a token.
	up, err := w.commits.Receive(t.Context(), auth.Operator(), 0, "a", strings.NewReader(tgz(t, "a", "theirs")))
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	theirs := commits.Publication{SHA: other, Repository: commits.Repository{Host: "github.com", Path: "them/ws"}, Packages: []commits.Source{{Name: "a", Upload: up}}}
	if _, err := w.commits.Publish(t.Context(), auth.Operator(), theirs); err != nil {
		t.Fatal(err)
	}
	w.check(9002)
	w.publish(9002, other, []field{file(t, "a", "ours")}).Want(t, http.StatusConflict, "other_repository")
}

// Everything in the key is public. None of this gets anything in.
func TestAttacks(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	a := file(t, "a", "x")
	for what, c := range map[string]struct {
		fields []field
		of     string
		header []string
		status int
		text   string
	}{
		"another commit":              {[]field{a}, other, nil, 403, "wrong_commit"},
		"no commit":                   {[]field{a}, "", nil, 403, "wrong_commit"},
		"another run's id":            {[]field{a}, sha, []string{"sb-run-id: 9002"}, 403, "wrong_run"},
		"another run's key":           {[]field{a}, sha, []string{"sb-key: " + keyOf(9002)}, 404, "no_run"},
		"a key that is a path":        {[]field{a}, sha, []string{"sb-key: ../../x"}, 400, "invalid_key"},
		"no hashes":                   {[]field{a}, sha, []string{"sb-shasums: "}, 400, "sb-shasums"},
		"hashes that are no texts":    {[]field{a}, sha, []string{`sb-shasums: {"a":1}`}, 400, "sb-shasums"},
		"no hash of it":               {[]field{a}, sha, []string{`sb-shasums: {}`}, 400, "wrong_shasum"},
		"a wrong hash":                {[]field{a}, sha, []string{`sb-shasums: {"a":"` + sha1Of("y") + `"}`}, 400, "wrong_shasum"},
		"twice the same name":         {[]field{a, a}, sha, nil, 400, "duplicate_package"},
		"another name inside":         {[]field{{"package:b", "x.tgz", a.content}}, sha, nil, 400, "wrong_name"},
		"a path for a name":           {[]field{{"package:../../a", "x.tgz", a.content}}, sha, nil, 400, "is not valid"},
		"no name":                     {[]field{{"package:", "x.tgz", a.content}}, sha, nil, 400, "is not valid"},
		"a Zig package":               {[]field{{"package:zig:a", "x.tgz", a.content}}, sha, nil, 400, "is not valid"},
		"a field of another API":      {[]field{a, {"replace", "", "true"}}, sha, nil, 400, "not known here"},
		"a field of no name":          {[]field{{"", "x.tgz", a.content}}, sha, nil, 400, "not known here"},
		"no tarball":                  {[]field{{"package:a", "x.tgz", "not gzip"}}, sha, nil, 400, "bad_archive"},
		"a text for a tarball":        {[]field{{"package:a", "", "text"}}, sha, nil, 400, "neither a file nor"},
		"a long text":                 {[]field{{"package:a", "", "object:" + strings.Repeat("x", 300)}}, sha, nil, 413, "neither a file nor"},
		"an upload that is none":      {[]field{{"package:a", "", "object:" + strings.Repeat("A", 26)}}, sha, nil, 404, "no_upload"},
		"a path for an upload":        {[]field{{"package:a", "", "object:../run/x"}}, sha, nil, 404, "no_upload"},
		"nothing":                     {nil, sha, nil, 400, "no_packages"},
		"templates alone":             {[]field{{"template:default:index.js", "", "x"}}, sha, nil, 400, "no_packages"},
		"a package that is too large": {[]field{{"package:a", "x.tgz", tgz(t, "a", noise(2<<20))}}, sha, nil, 413, "MAX_PACKAGE_SIZE"},
		"too many packages":           {[]field{a, file(t, "b", ""), file(t, "c", ""), file(t, "d", ""), file(t, "e", ""), file(t, "f", "")}, sha, nil, 413, "6 packages"},
		"no form":                     {[]field{a}, sha, []string{"Content-Type: application/json"}, 415, "multipart/form-data"},
		"a form without its end":      {[]field{a}, sha, []string{"Content-Type: multipart/form-data; boundary=other"}, 400, "broken"},
	} {
		w.publish(9001, c.of, c.fields, c.header...).Want(t, c.status, c.text)
		w.none(what, sha)
		w.none(what, other)
	}
	w.forge.end(9001)
	w.publish(9001, sha, []field{a}).Want(t, http.StatusNotFound, "no_run")
	w.none("the key of a run that is over", sha)
}

// noise does not compress.
func noise(n int) string {
	var b strings.Builder
	for i := uint32(1); b.Len() < n; i++ {
		i = i*1664525 + 1013904223
		fmt.Fprintf(&b, "%x", i)
	}
	return b.String()
}

func TestTooManyTemplates(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	fields := slices.Repeat([]field{{"template:x:y", "", ""}}, 10_001)
	w.publish(9001, sha, append(fields, file(t, "a", "x"))).Want(t, http.StatusRequestEntityTooLarge, "--no-template")
	w.none("it", sha)
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	for body, c := range map[string]struct {
		status int
		text   string
	}{
		`{"owner":"evil","repo":"ws","key":"` + keyOf(9001) + `"}`:      {403, "not_enrolled"},
		`{"owner":"acme","repo":"ws/../x","key":"` + keyOf(9001) + `"}`: {400, "invalid_repository"},
		`{"owner":"acme","repo":"ws","key":"short"}`:                    {400, "invalid_key"},
		`{"owner":1}`: {400, "Invalid JSON"}, ``: {400, "Invalid JSON"}, `[`: {400, "Invalid JSON"},
		`{"owner":"` + strings.Repeat("x", 5<<10) + `"}`: {413, "too_large"},
	} {
		w.Do(http.MethodPost, "/check", strings.NewReader(body)).Want(t, c.status, c.text)
	}
}

// Past 99 MiB the CLI sends tarballs in parts.
func TestMultipart(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	tarball := tgz(t, "big", noise(400<<10))
	begun := w.Do(http.MethodPost, "/multipart/create", nil, "sb-key: "+keyOf(9001), "sb-name: big", "sb-sha: "+sha).Want(t, http.StatusOK, "")
	of := []string{"key: " + begun.Text("key"), "id: " + begun.Text("id")}
	var etags []string
	for i, chunk := range slices.Collect(slices.Chunk([]byte(tarball), 100<<10)) {
		header := append(of, fmt.Sprintf("part-number: %d", i+1))
		got := w.Do(http.MethodPut, "/multipart/upload", strings.NewReader(string(chunk)), header...).Want(t, http.StatusOK, "")
		part, _ := got.JSON()["part"].(map[string]any)
		etags = append(etags, fmt.Sprintf(`{"partNumber":%v,"etag":%q}`, part["partNumber"], part["etag"]))
	}
	list := func(n int) string { return "uploaded-parts: [" + strings.Join(etags[:n], ",") + "]" }
	w.Do(http.MethodPost, "/multipart/complete", nil, append(of, list(len(etags)-1))...).Want(t, http.StatusBadRequest, "invalid_part")
	object := []field{{"package:big", "", "object:" + begun.Text("key")}, file(t, "a", "x")}
	sums := fmt.Sprintf(`sb-shasums: {"big":%q,"a":%q}`, sha1Of(tarball), sha1Of(object[1].content))
	w.publish(9001, sha, object, sums).Want(t, http.StatusBadRequest, "is not complete")
	done := w.Do(http.MethodPost, "/multipart/complete", nil, append(of, list(len(etags)))...).Want(t, http.StatusOK, "")
	if done.Text("key") != begun.Text("key") {
		t.Errorf("complete = %s", done.Data)
	}
	w.publish(9001, sha, object, fmt.Sprintf(`sb-shasums: {"big":%q,"a":%q}`, sha1Of(tarball[1:]), sha1Of(object[1].content))).Want(t, http.StatusBadRequest, "wrong_shasum")
	w.none("what is refused", sha)
	w.check(9002)
	w.publish(9002, other, object[:1], sums).Want(t, http.StatusNotFound, "no_upload")
	w.publish(9001, sha, object, sums).Want(t, http.StatusOK, "")
	if got := w.Get("/acme/ws/big@"+sha).Want(t, http.StatusOK, ""); string(got.Data) != tarball {
		t.Errorf("it has %d bytes, want %d", len(got.Data), len(tarball))
	}
	if left := w.stores.Spooled(t); len(left) != 0 {
		t.Errorf("the spool has %v", left)
	}
	for header, text := range map[string]string{"part-number: x": "part-number", "part-number: 0": "invalid_part", "id: " + strings.Repeat("A", 26): "no_upload"} {
		got := w.Do(http.MethodPut, "/multipart/upload", strings.NewReader("x"), append(append(of, "part-number: 1"), header)...)
		if got.StatusCode < 400 || !strings.Contains(string(got.Data), text) {
			t.Errorf("a part with %s = %d %s, want a refusal with %q", header, got.StatusCode, got.Data, text)
		}
	}
	unknown := struct{ io.Reader }{strings.NewReader("x")} // whose length net/http does not know
	w.Do(http.MethodPut, "/multipart/upload", unknown, append(of, "part-number: 1")...).Want(t, http.StatusRequestEntityTooLarge, "Content-Length")
	w.Do(http.MethodPost, "/multipart/complete", nil, append(of, "uploaded-parts: {}")...).Want(t, http.StatusBadRequest, "uploaded-parts")
}

// A commit has an owner when its repository has published by a token; runs of the repository publish all the same.
func TestOwnersStay(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	w.publish(9001, sha, []field{file(t, "a", "x")}).Want(t, http.StatusOK, "")
	owners, err := w.commits.Owners(t.Context(), commits.Repository{Host: "github.com", Path: "acme/ws"})
	if err != nil || !slices.Equal(owners, []string{auth.StockUser}) {
		t.Errorf("the owners are %q, %v", owners, err)
	}
	users := auth.New(w.stores.DB, auth.Options{RootToken: webtest.RootToken})
	_, _, err = users.CreateToken(t.Context(), auth.Operator(), auth.NewToken{Name: "x", User: auth.StockUser})
	if e, ok := fault.Public(err); !ok || e.Code != "reserved_user" {
		t.Errorf("somebody can become %s: %v", auth.StockUser, err)
	}
}
