package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// countedPackage is published by the tests of statistics.
const countedPackage = "@acme/counted"

// counted is what a server says of the downloads of countedPackage.
func counted(t *testing.T, s *server) int {
	t.Helper()
	var p struct {
		TotalDownloads int `json:"totalDownloads"`
	}
	a := get(t, s.url+"/analytics/"+countedPackage)
	if a.status == http.StatusOK {
		getJSON(t, s.url+"/analytics/"+countedPackage, http.StatusOK, &p)
	}
	return p.TotalDownloads
}

// countedWithin waits until a server has written as many downloads.
func countedWithin(t *testing.T, s *server, want int, limit time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(limit); counted(t, s) < want && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if got := counted(t, s); got != want {
		t.Fatalf("%d downloads are counted, want %d", got, want)
	}
}

// publishCounted publishes the package and returns the address of its tarball.
func publishCounted(t *testing.T, s *server) string {
	t.Helper()
	m := newMaintainer(countedPackage)
	if a := sendAs(t, operatorToken, http.MethodPut, s.url+"/"+m.name, m.document(t, "1.0.0")); a.status != http.StatusCreated {
		t.Fatalf("publishing answers %d %s %v", a.status, a.body, a.err)
	}
	return s.url + "/" + m.name + "/-/" + m.file("1.0.0")
}

func downloadAtOnce(t *testing.T, url string, times int) {
	t.Helper()
	var wg sync.WaitGroup
	for range times {
		wg.Go(func() {
			if a := get(t, url); a.status != http.StatusOK {
				t.Errorf("a download answers %d %v", a.status, a.err)
			}
		})
	}
	wg.Wait()
}

// What real clients and many others download at once is counted, each once, and the end of the server loses nothing.
func TestInstallsAreCounted(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	options := []string{"--no-npm-fallback", "--token", operatorToken}
	s := startServer(t, data, options...)
	url := publishCounted(t, s)
	for _, m := range managers() {
		u := m.sit(t, s.url, operatorToken)
		u.run(t, u.project(t, ""), u.add()+" "+countedPackage).must(t)
	}
	installed := len(managers())
	const times = 100
	downloadAtOnce(t, url, times)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, data, options...)
	countedWithin(t, s, installed+times, 0)
	var top struct {
		Clients []struct {
			Name      string
			Downloads int
		}
	}
	getJSON(t, s.url+"/analytics/top?by=client&kind=npm", http.StatusOK, &top)
	sum, families := 0, map[string]bool{}
	for _, c := range top.Clients {
		families[c.Name] = true
		sum += c.Downloads
	}
	if sum != installed+times || !families["npm/11"] || !families["npm/12"] || !families["bun/1"] {
		t.Errorf("clients: %+v", top.Clients)
	}
}

// A killed server has lost what it counted in its last second, and nothing else.
func TestKillLosesAtMostASecond(t *testing.T) {
	data := t.TempDir()
	options := []string{"--no-npm-fallback", "--token", operatorToken}
	s := startServer(t, data, options...)
	url := publishCounted(t, s)
	downloadAtOnce(t, url, 30)
	countedWithin(t, s, 30, patience)
	downloadAtOnce(t, url, 5)
	s.kill()
	s = startServer(t, data, options...)
	if got := counted(t, s); got < 30 || got > 35 {
		t.Errorf("%d downloads are counted, want 30 to 35", got)
	}
}
