package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"os/exec"
)

// A job that is cancelled while it packs: the program ends, and post.js says in the
// comment, which is of the commit before, that this one's publish was stopped.
func TestCancelledJob(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, merge := checkout(t, workspace)
	pullRequest(t, gh, s.url, merge, 1).run(t, dir).must(t)

	packing := filepath.Join(t.TempDir(), "packing")
	if err := syscall.Mkfifo(packing, 0o600); err != nil {
		t.Fatal(err)
	}
	begun, err := os.OpenFile(packing, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer begun.Close()
	slow, merge := checkout(t, strings.Replace(workspace, `"main": "index.js"`, `"scripts": {"prepack": "echo packing > `+packing+`; sleep 600"}`, 1))
	const next = "5555555555555555555555555555555555555555"
	st := pullRequestAt(t, gh, s.url, next, merge, 2)
	state := filepath.Join(t.TempDir(), "state")
	env := append(st.env, "GITHUB_STATE="+state)
	script, err := filepath.Abs("../../main.js")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = slow, env, lastWords
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := begun.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := begun.Read(make([]byte, 1)); err != nil {
		t.Fatal("it does not pack:", err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a step that was cancelled succeeds")
	}
	post := exe(t, slow, append(env, "STATE_binary="+filepath.Join(bin, "publish-commit")), "node", filepath.Join(filepath.Dir(script), "post.js")).must(t)
	comments := gh.Comments(7)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, "was stopped") || !strings.Contains(comments[0].Body, next[:10]) || !strings.Contains(comments[0].Body, headSHA) {
		t.Errorf("%v\nthe comments are %+v, want the one of the commit before, with a word about this run", post, comments)
	}
	if got := gh.StatusesOf(next); len(got) != 1 || got[0].State != "error" || !strings.Contains(got[0].Description, "stopped") || !strings.HasSuffix(got[0].URL, "/runs/9002/attempts/1") {
		t.Errorf("the statuses of the commit are %+v, want that its run was stopped", got)
	}
	if text := read(t, state); strings.Contains(text, "ended") || !strings.Contains(text, "binary<<") {
		t.Errorf("main.js kept %q", text)
	}

	pullRequestAt(t, gh, s.url, next, merge, 3, "INPUT_IGNORE-SCRIPTS=true").run(t, slow).must(t)
	if now := gh.Comments(7); len(now) != 1 || strings.Contains(now[0].Body, "was stopped") {
		t.Errorf("after the next run: %+v", now)
	}
}
