package trust

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// How keys are kept. A key that an issuer takes back is good for freshFor at most, and for staleFor if it can't be asked.
const (
	fetchTimeout = 5 * time.Second
	freshFor     = time.Hour
	staleFor     = 24 * time.Hour
	coolDown     = time.Minute      // between two questions for a key that is not known
	coolFailure  = 10 * time.Second // after one that had no answer
)

// keyset is the keys of an issuer. It asks for them when they are needed, one question at a time.
type keyset struct {
	issuer Issuer
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	turn   chan struct{} // held by who asks

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time // when keys were
	next    time.Time // not before that they are asked for again
}

func newKeyset(i Issuer, client *http.Client, now func() time.Time, log *slog.Logger) *keyset {
	return &keyset{issuer: i, client: client, now: now, log: log, turn: make(chan struct{}, 1)}
}

// key returns the public key of a kid: fault.Unauthenticated if the issuer has none, fault.Unavailable if it can't be asked.
func (k *keyset) key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	if key, fresh := k.have(kid); key != nil && fresh {
		return key, nil
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	key, fresh := k.have(kid) // who was before us may have asked
	if key != nil && fresh {
		return key, nil
	}
	if wait := k.cooling(); wait > 0 {
		return k.settle(kid, key, wait)
	}
	err := k.fetch(ctx)
	if err != nil {
		k.log.WarnContext(ctx, "asking an issuer of OIDC tokens for its keys", "issuer", k.issuer.URL, "err", err)
	}
	key, _ = k.have(kid)
	return k.settle(kid, key, coolFailure)
}

// settle answers with what is known without asking again.
func (k *keyset) settle(kid string, key *rsa.PublicKey, wait time.Duration) (*rsa.PublicKey, error) {
	k.mu.Lock()
	known := k.keys != nil && k.now().Sub(k.fetched) < staleFor
	k.mu.Unlock()
	switch {
	case key != nil:
		return key, nil
	case !known:
		e := fault.New(fault.Unavailable, "the keys of %s can't be had at the moment, so its tokens can't be checked; try again", k.issuer.URL).WithCode("issuer_unavailable")
		e.Wait = wait
		return nil, e
	}
	return nil, refuse(fault.Unauthenticated, "invalid_id_token", "kid", "a key of "+k.issuer.URL, kid)
}

// have returns a key that is known, and whether that is fresh; nil if there is none, or it is too old.
func (k *keyset) have(kid string) (key *rsa.PublicKey, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.fetched)
	if age >= staleFor {
		return nil, false
	}
	return k.keys[kid], age < freshFor
}

// cooling is how long nothing is asked.
func (k *keyset) cooling() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.next.Sub(k.now())
}

// fetch asks for the keys. Who waits for the answer may go away; the next one wants it too.
func (k *keyset) fetch(ctx context.Context) error {
	keys, err := k.load(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if err != nil {
		k.next = now.Add(coolFailure)
		return err
	}
	k.keys, k.fetched, k.next = keys, now, now.Add(coolDown)
	return nil
}

func (k *keyset) load(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	if k.issuer.KeysFile != "" {
		return k.loadFile()
	}
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	text, err := k.get(ctx, strings.TrimSuffix(k.issuer.URL, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return nil, fmt.Errorf("reading what an issuer says of itself: %w", err)
	}
	if about.Issuer != k.issuer.URL {
		return nil, fmt.Errorf("the issuer calls itself %.200q", about.Issuer)
	}
	if err := sameHost(k.issuer.URL, about.Keys); err != nil {
		return nil, err
	}
	if text, err = k.get(ctx, about.Keys); err != nil {
		return nil, err
	}
	return parseKeys(text)
}

func (k *keyset) loadFile() (keys map[string]*rsa.PublicKey, err error) {
	f, err := os.Open(k.issuer.KeysFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := readDocument(f)
	if err != nil {
		return nil, err
	}
	return parseKeys(text)
}

func (k *keyset) get(ctx context.Context, from string) (text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", from, resp.Status)
	}
	return readDocument(resp.Body)
}

func readDocument(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("a document of an issuer has more than %d bytes", maxDocument)
	}
	return text, err
}

// keysClient asks issuers. It follows no redirect to another host.
func keysClient() *http.Client {
	return &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: fetchTimeout}).DialContext, TLSHandshakeTimeout: fetchTimeout,
			ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("too many redirects")
			}
			return sameHost(via[0].URL.String(), req.URL.String())
		},
	}
}

// sameHost refuses a URL that leads to another host, port or scheme than the first.
func sameHost(first, then string) error {
	a, errA := url.Parse(first)
	b, errB := url.Parse(then)
	if errA != nil || errB != nil || a.Scheme != b.Scheme || !strings.EqualFold(a.Host, b.Host) || b.User != nil {
		return fmt.Errorf("the issuer %s leads to another host: %.200q", first, then)
	}
	return nil
}
