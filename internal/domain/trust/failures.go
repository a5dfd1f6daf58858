package trust

import (
	"net/netip"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/memo"
)

// How many tokens that are not good an address may show to one server. Servers do not count together, as they do for
// passwords: nobody guesses a signature, so what is to be spared is this server's time, and not at the cost of a write for
// each rubbish that somebody sends.
const (
	maxFailures  = 60
	failuresFor  = time.Minute
	maxAddresses = 10_000
)

// failures counts the tokens that were not good, by network. Those that are, and only are not trusted, don't count: all
// runs of a forge may come from few addresses.
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	all *memo.Memo[count]
}

type count struct {
	n    int
	ends time.Time
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, all: memo.New[count](maxAddresses, now)}
}

// admit refuses an address that has failed too often.
func (f *failures) admit(a netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.all.Get(network(a))
	if !ok || c.n < maxFailures {
		return nil
	}
	e := fault.New(fault.Unavailable, "too many tokens from this address were not good; try again later").WithCode("too_many_attempts")
	e.Wait = c.ends.Sub(f.now())
	return e
}

// add counts a failure.
func (f *failures) add(a netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.all.Get(network(a))
	if !ok {
		c.ends = f.now().Add(failuresFor)
	}
	c.n++
	f.all.Put(network(a), c, c.ends.Sub(f.now()))
}

// network is an address, or of IPv6 the network that one customer has.
func network(a netip.Addr) string {
	a = a.Unmap()
	if !a.Is6() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
