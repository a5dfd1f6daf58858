package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slowUpstream has one package, whose tarball stops half-way until more is closed.
func slowUpstream(t *testing.T, name, tarball string) (srv *httptest.Server, half, more chan struct{}) {
	half, more = make(chan struct{}), make(chan struct{})
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".tgz") {
			fmt.Fprintf(w, `{"name":%q,"dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":%[1]q,"version":"1.0.0","dist":{"tarball":"http://%s/x.tgz","integrity":%q}}}}`, name, r.Host, integrityOf(tarball))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(tarball)))
		io.WriteString(w, tarball[:len(tarball)/2])
		w.(http.Flusher).Flush()
		close(half)
		select {
		case <-more:
		case <-r.Context().Done():
		}
		io.WriteString(w, tarball[len(tarball)/2:])
	}))
	t.Cleanup(srv.Close)
	return srv, half, more
}

// upload is a publish whose body comes in two parts.
type upload struct {
	pipe   *io.PipeWriter
	rest   []byte
	answer chan reply
}

func beginUpload(t *testing.T, s *server, m *maintainer, version string) *upload {
	t.Helper()
	body := jsonOf(t, m.document(t, version))
	r, w := io.Pipe()
	u := &upload{pipe: w, rest: body[len(body)/2:], answer: make(chan reply, 1)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/"+m.name, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			u.answer <- reply{err: err}
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		u.answer <- reply{resp.StatusCode, b, err}
	}()
	if _, err := w.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	arrives(t, filepath.Join(s.data, "spool"))
	return u
}

// arrives waits until the server has begun to receive: what the client has sent may still be on its way.
func arrives(t *testing.T, spool string) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		if files, err := os.ReadDir(spool); err == nil && len(files) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the upload does not arrive")
}

func (u *upload) finish(t *testing.T) reply {
	t.Helper()
	if _, err := u.pipe.Write(u.rest); err != nil {
		t.Error(err)
	}
	u.pipe.Close()
	return <-u.answer
}

// refuses waits until nobody listens at an address any more.
func refuses(t *testing.T, addr string) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s still takes connections", addr)
}

// A server that is told to stop takes nothing new, but finishes what it has
// begun: a publish, and a download that is just coming from upstream. Nobody else
// gets its data folder meanwhile.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	onlyLocal(t, "a balancer hides which process has begun what")
	theirs := smallTarball(t, "theirs", 1) + strings.Repeat("x", 1<<20)
	upstream, half, more := slowUpstream(t, "theirs", theirs)
	data := t.TempDir()
	s := startServer(t, data, "--npm-upstream", upstream.URL, "--claimed-scopes", "mine")
	m := newMaintainer("mine")
	publish := beginUpload(t, s, m, "1.0.0")
	download := make(chan reply, 1)
	go func() { download <- send(t, http.MethodGet, s.url+"/theirs/-/theirs-1.0.0.tgz", nil) }()
	<-half

	if err := s.nodes[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refuses(t, s.addr)
	second := exe(t, t.TempDir(), cleanEnv(), filepath.Join(bin, "registry-server"), "--port", "0", "--data", data)
	if second.code != 1 || !strings.Contains(second.stderr, "another registry-server is using the data folder") {
		t.Errorf("a second server on the folder: %v", second)
	}
	close(more)
	if a := publish.finish(t); a.status != http.StatusCreated {
		t.Errorf("the publish answers %d %s %v", a.status, a.body, a.err)
	}
	if a := <-download; a.status != http.StatusOK || string(a.body) != theirs {
		t.Errorf("the download answers %d with %d bytes, %v", a.status, len(a.body), a.err)
	}
	if err := s.nodes[0].end(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "running.json")); !os.IsNotExist(err) {
		t.Errorf("running.json is still there: %v", err)
	}
	s = startServer(t, data, "--no-npm-fallback")
	var p packumentView
	getJSON(t, s.url+"/mine", http.StatusOK, &p)
	if p.Versions["1.0.0"].Dist.Integrity != integrityOf(m.packed["1.0.0"]) {
		t.Errorf("after the restart the packument is %v", p)
	}
}

// A second signal ends the server at once, whatever is under way; what was not
// finished is not there.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	onlyLocal(t, "a balancer hides which process has begun what")
	data := t.TempDir()
	s := startServer(t, data, "--no-npm-fallback")
	m := newMaintainer("mine")
	publish := beginUpload(t, s, m, "1.0.0")
	if err := s.nodes[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refuses(t, s.addr)
	if err := s.nodes[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.nodes[0].end(); err == nil {
		t.Error("the server says that it ended cleanly")
	}
	publish.pipe.CloseWithError(io.ErrUnexpectedEOF)
	if a := <-publish.answer; a.err == nil {
		t.Errorf("the publish answers %d %s", a.status, a.body)
	}
	s = startServer(t, data, "--no-npm-fallback")
	getJSON(t, s.url+"/mine", http.StatusNotFound, nil)
	if files, err := os.ReadDir(filepath.Join(data, "spool")); err != nil || len(files) > 0 {
		t.Errorf("%d uploads are left, %v", len(files), err)
	}
	if a := send(t, http.MethodPut, s.url+"/mine", m.document(t, "1.0.0")); a.status != http.StatusCreated {
		t.Errorf("the same publish again answers %d %s", a.status, a.body)
	}
}

// What a killed server leaves in running.json misleads no command: not while
// nobody runs, and not when another server runs.
func TestKilledServersAddressIsForgotten(t *testing.T) {
	data := t.TempDir()
	list := func() result {
		return exe(t, t.TempDir(), cleanEnv(), filepath.Join(bin, "registry-server"), "token", "list", "--data", data)
	}
	s := startServer(t, data, "--no-npm-fallback")
	if a := send(t, http.MethodPost, s.url+"/-/npm/v1/tokens", map[string]string{"name": "ci-token"}); a.status != http.StatusOK {
		t.Fatalf("making a token answers %d %s", a.status, a.body)
	}
	s.kill()
	if _, err := os.Stat(filepath.Join(data, "running.json")); err != nil {
		t.Fatalf("a killed server leaves no running.json to test with: %v", err)
	}
	if r := list(); r.code != 0 || !strings.Contains(r.stdout, "ci-token") {
		t.Errorf("with nobody running: %v", r)
	}
	startServer(t, data, "--no-npm-fallback")
	if r := list(); r.code != 0 || !strings.Contains(r.stdout, "ci-token") {
		t.Errorf("with another server running: %v", r)
	}
}
