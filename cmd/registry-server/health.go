package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/config"
)

// healthTimeout is how long the health check waits; those of containers wait as long or longer.
const healthTimeout = 5 * time.Second

// maxHealth bounds the answer to a health check, in bytes.
const maxHealth = 4 << 10

// health asks a server how it is, for where there is no curl.
type health struct {
	URL   string `arg:"" optional:"" help:"Of the server. Default: the one that HOST and PORT name, on this machine."`
	Host  string `env:"HOST" default:"127.0.0.1" group:"Address" help:"Address that the server listens on."`
	Port  int    `env:"PORT" default:"3000" group:"Address" help:"Port that the server listens on."`
	Ready bool   `group:"Check" help:"Ask whether the server can be sent requests (/ready), not only whether it is up (/health)."`
}

// Help explains more than the line of the list of commands.
func (health) Help() string {
	return `Exit codes: 0 the server answers that it is well; 1 it does not.

  HEALTHCHECK CMD ["registry-server", "health"]
  registry-server health --ready https://registry.example.com`
}

func (c health) do(ctx context.Context, s streams) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	// The server itself is asked: through no proxy, and following nothing.
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	var body struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxHealth)).Decode(&body)
	switch {
	case resp.StatusCode != http.StatusOK && body.Status != "":
		return fmt.Errorf("%s answers %d: %.40q %v", target, resp.StatusCode, body.Status, body.Checks)
	case resp.StatusCode != http.StatusOK || err != nil || body.Status != "ok" && body.Status != "ready":
		return fmt.Errorf("%s answers %d, and not as a registry-server does", target, resp.StatusCode)
	}
	s.say("%s: %s", target, body.Status)
	return nil
}

// target is the address to ask.
func (c health) target() (string, error) {
	path := "/health"
	if c.Ready {
		path = "/ready"
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", config.Usagef("%.200q is not the URL of a server; give one such as: registry-server health http://localhost:3000", c.URL)
		}
		return strings.TrimRight(u.String(), "/") + path, nil
	}
	if c.Port <= 0 || c.Port > 65535 {
		return "", config.Usagef("no server listens on port %d; give the PORT that it listens on, or its URL: registry-server health http://localhost:3000", c.Port)
	}
	host := c.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // a wildcard listens for both families
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port)) + path, nil
}
