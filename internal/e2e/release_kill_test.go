package e2e

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/format/signature"
)

// A killed server has lost nothing of releases and tokens that it has answered
// for. Maintainers publish, tag, unpublish and make tokens while it is killed at
// random points. After each restart what was acknowledged is there with its bytes
// and signature, nothing else is there in part, and what was cut off can be
// repeated.
func TestKilledServerKeepsReleases(t *testing.T) {
	onlyLocal(t, "it is about the embedded store; TestOneOfTwoIsKilled is about the others")
	t.Parallel()
	const rounds = 12
	data := t.TempDir()
	maintainers := []*maintainer{newMaintainer("@acme/one"), newMaintainer("two"), newMaintainer("three")}
	var key signature.Key
	var acks int
	for round := range rounds + 1 {
		s := startServer(t, data, "--no-npm-fallback", "--token", masterToken)
		k := keysOf(t, s.url)[0]
		if round > 0 && k != key {
			t.Fatalf("round %d: the signing key is %v, not %v", round, k, key)
		}
		key = k
		for _, m := range maintainers {
			m.check(t, s.url)
		}
		if t.Failed() || round == rounds {
			break
		}
		acks += workUntilKilled(t, s, maintainers)
	}
	for _, m := range maintainers {
		t.Logf("%s: %d versions, %d gone, %d tokens, %d changes were cut off", m.name, len(m.versions), len(m.gone), len(m.tokens), m.cut)
	}
	if acks < 3*rounds {
		t.Errorf("only %d changes were acknowledged in %d rounds", acks, rounds)
	}
}

// workUntilKilled kills the server once it has acknowledged some changes, with
// others under way, and returns how many it has acknowledged.
func workUntilKilled(t *testing.T, s *server, maintainers []*maintainer) (acks int) {
	var mu sync.Mutex
	limit := 3 + rand.IntN(20)
	acked := func() {
		mu.Lock()
		defer mu.Unlock()
		if acks++; acks == limit {
			s.crash() // it is there: it has just answered
		}
	}
	var wg sync.WaitGroup
	for _, m := range maintainers {
		wg.Go(func() { m.work(t, s.url, acked) })
	}
	wg.Wait()
	s.kill()
	return acks
}
