package registry_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/registry"
)

// stockPublish publishes packages, by name, as the stock CLI does in a run of acme/ws.
func stockPublish(n *node, run forgetest.Run, packages map[string]string, header ...string) answer {
	n.t.Helper()
	key := pkgprnew.Key("acme", "ws", run.ID, 1, forgetest.ID("octocat"))
	if a := n.postJSON("/check", map[string]string{"owner": "acme", "repo": "ws", "key": key}); a.StatusCode != http.StatusOK {
		n.t.Fatalf("check: %d %s", a.StatusCode, a.body)
	}
	sums := map[string]string{}
	var fields []string
	for name, text := range packages {
		sum := sha1.Sum([]byte(text))
		sums[name], fields = hex.EncodeToString(sum[:]), append(fields, "package:"+name, text)
	}
	list, err := json.Marshal(sums)
	if err != nil {
		n.t.Fatal(err)
	}
	body, kind := form(n.t, fields...)
	a := n.request(http.MethodPost, "/publish", body, append([]string{
		kind, "sb-key: " + key, fmt.Sprintf("sb-run-id: %d", run.ID), "sb-sha: " + run.HeadSHA, "sb-shasums: " + string(list), "sb-comment: update",
	}, header...)...)
	if a.StatusCode != http.StatusOK {
		n.t.Fatalf("publish: %d %s", a.StatusCode, a.body)
	}
	return a
}

// With a GitHub App the server comments on what the stock CLI publishes as that, and a line has the flags that its package needs.
func TestStockCommentOfAnApp(t *testing.T) {
	github, app := withApp(t)
	gh := forgetest.New(t)
	gh.SetApp(app)
	n := start(t, registry.Config{Token: serverToken, GitHubAPI: gh.URL, GitHubApp: github, PkgPRNew: []string{"acme/ws"}})
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: forkSHA, HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main"})
	run := forgetest.Run{ID: 9001, Event: "push", HeadSHA: forkSHA, HeadRef: "fix", Actor: "octocat"}
	gh.PutRun(run)
	gh.SetRef("heads/fix", forkSHA)
	gh.SetMergeBase(forgetest.BaseSHA, forkSHA, mainSHA)
	with := func(name, more string) string {
		return archive(t, fileHeader("package/package.json"), strings.Replace(manifestOf(name, "1.0.0"), "}", more+"}", 1))
	}

	got := stockPublish(n, run, map[string]string{"alone": with("alone", `,"devDependencies":{"x":"https://dev.test/x"}`)}).json(t)
	comments := gh.Comments(7)
	if len(comments) != 1 || comments[0].Login != "previews[bot]" || got["commentId"] != float64(comments[0].ID) {
		t.Fatalf("it answers %v, and the comments are %+v; want one of the App's", got, comments)
	}
	at := n.url + "/acme/ws/alone@" + forkSHA
	if body := comments[0].Body; !strings.Contains(body, "npm i --allow-remote=root "+at) || strings.Contains(body, "since") {
		t.Errorf("the comment of a package that needs nothing by URL, and has no base, is\n%s", body)
	}

	// Another job of the run publishes more; main was published meanwhile.
	main := run
	main.ID, main.HeadSHA, main.HeadRef = 9000, mainSHA, "main"
	gh.PutRun(main)
	gh.SetRef("heads/main", mainSHA)
	stockPublish(n, main, map[string]string{"alone": with("alone", ""), "gone": with("gone", "")})
	stockPublish(n, run, map[string]string{"needy": with("needy", `,"bin":"x.js","peerDependencies":{"alone":"`+at+`"}`), "odd": archive(t, fileHeader("package/package.json"), `{"name":"odd","version":"1.0.0","dependencies":[],"bin":7}`)})
	comments = gh.Comments(7)
	if len(comments) != 1 {
		t.Fatalf("the comments are %+v, want one", comments)
	}
	for _, want := range []string{"3 packages", "**1 changed**, 2 new since [`" + mainSHA[:7], "npx -y --allow-remote=all -p " + n.url + "/acme/ws/needy@" + forkSHA + " needy", "`needy`: `bin.needy` → `x.js`", "(dev)"} {
		if !strings.Contains(comments[0].Body, want) {
			t.Errorf("the comment lacks %q:\n%s", want, comments[0].Body)
		}
	}
	if strings.Contains(comments[0].Body, "gone") {
		t.Errorf("what was not published counts as removed:\n%s", comments[0].Body)
	}

	// What GitHub fails in costs the comment alone.
	gh.Fail(forgetest.Fault{Route: forgetest.ListComments, Status: http.StatusUnprocessableEntity})
	if a := stockPublish(n, run, map[string]string{"late": with("late", "")}); !strings.Contains(string(a.body), "a comment could not be written: GitHub does not take the request") || !strings.Contains(n.log.String(), "commenting on what pkg-pr-new has published") {
		t.Errorf("it answers %s", a.body)
	}
}

// A server that is nobody to GitHub writes no comment, and says nothing of it.
func TestStockCommentOfNobody(t *testing.T) {
	gh := forgetest.New(t)
	gh.Grant("", forgetest.Account{ReadOnly: true})
	n := start(t, registry.Config{Token: serverToken, GitHubAPI: gh.URL, PkgPRNew: []string{"acme/ws"}})
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: forkSHA, HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main"})
	run := forgetest.Run{ID: 9001, HeadSHA: forkSHA, HeadRef: "fix", Actor: "octocat"}
	gh.PutRun(run)
	if a := stockPublish(n, run, map[string]string{"a": tgz(t, "a", "1.0.0", "x")}); strings.Contains(string(a.body), "comment") || len(gh.Comments(7)) != 0 {
		t.Errorf("it answers %s", a.body)
	}
}
