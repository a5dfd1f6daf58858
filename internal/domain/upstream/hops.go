package upstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// hopHeader is sent with every request. It lists the instances that the request
// comes through, the one that sends it last.
const hopHeader = "Registry-Action-Hop"

const (
	maxHops = 8
	maxHop  = 64 // bytes of an instance's id
)

type hopsKey struct{}

// Enter notes in a context which instances a request comes through; what is sent for it is sent in
// their names too. fault.Loop if this instance is among them, as it is if upstream leads back here, however
// many registries lie in between: answering from upstream would go on for ever.
func (s *Service) Enter(ctx context.Context, h http.Header) (context.Context, error) {
	values := h[hopHeader]
	if len(values) == 0 {
		return ctx, nil
	}
	var hops []string
	for hop := range strings.SplitSeq(strings.Join(values, ","), ",") {
		hops = append(hops, strings.TrimSpace(hop))
	}
	if slices.Contains(hops, s.id) {
		return ctx, fault.New(fault.Loop, "the upstream of this registry leads back to the registry itself; set NPM_UPSTREAM to another one")
	}
	chain := strings.Join(hops, ", ")
	if len(hops) > maxHops || len(chain) > maxHops*maxHop {
		return ctx, fault.New(fault.Loop, "the request comes through more than %d registries, each the upstream of the one before; set NPM_UPSTREAM of one of them to the last in the chain", maxHops)
	}
	return context.WithValue(ctx, hopsKey{}, chain), nil
}

// hopsOf are the instances that the request behind ctx comes through, "" for none.
func hopsOf(ctx context.Context) string {
	hops, _ := ctx.Value(hopsKey{}).(string)
	return hops
}

// withHops is ctx with the hops of another.
func withHops(ctx, of context.Context) context.Context {
	if hops := hopsOf(of); hops != "" {
		return context.WithValue(ctx, hopsKey{}, hops)
	}
	return ctx
}

// together is the key of work that callers share. Who comes through other registries
// shares with its like only: were they to wait for work that waits for them, neither
// would come to its end, and no request would go round to show that.
func together(ctx context.Context, key string) string { return key + "\n" + hopsOf(ctx) }

// looped is the refusal where upstream says that it leads to itself.
func (s *Service) looped(what string) error {
	return fault.Wrap(errors.New(what+": status 508"), fault.Loop, "upstream %s leads back to where the request came from, so that nobody has the answer; set NPM_UPSTREAM of one of the registries on the way to another one", s.URL())
}
