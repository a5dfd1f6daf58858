package egress

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

func TestPublic(t *testing.T) {
	tests := map[bool][]string{
		true: {
			"1.1.1.1", "8.8.8.8", "104.16.0.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "198.20.0.1", "223.255.255.255",
			"2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		},
		false: {
			"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
			"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
			"::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "100::1", "5f00::1",
			"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
			"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
		},
	}
	for want, list := range tests {
		for _, text := range list {
			if got := public(netip.MustParseAddr(text)); got != want {
				t.Errorf("Public(%s) = %t", text, got)
			}
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestCheckRedirect(t *testing.T) {
	request := func(method, to string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer secret")
		return r
	}
	tests := []struct {
		from, to string
		ok, auth bool
	}{
		{"https://up.test/a", "https://up.test/b", true, true},
		{"https://up.test/a", "https://UP.test.:443/b", true, true},
		{"https://up.test/a", "https://cdn.test/b", true, false},
		{"http://up.test/a", "https://up.test/b", true, false},
		{"https://up.test/a", "http://up.test/b", false, false},
		{"https://up.test/a", "http://cdn.test/b", false, false},
	}
	for _, tt := range tests {
		to := request("GET", tt.to)
		err := CheckRedirect(to, []*http.Request{request("GET", tt.from)})
		if (err == nil) != tt.ok || err == nil && (to.Header.Get("Authorization") != "") != tt.auth {
			t.Errorf("%s to %s: %v, %v", tt.from, tt.to, err, to.Header)
		}
	}
	post := request("POST", "https://up.test/audit")
	if err := CheckRedirect(request("GET", "https://up.test/b"), []*http.Request{post}); err == nil {
		t.Error("a POST became a GET")
	}
}

func TestOwnHosts(t *testing.T) {
	tests := []struct {
		base, url string
		own       bool
	}{
		{"http://10.0.0.5:4873", "http://10.0.0.5:4873/x", true},
		{"http://10.0.0.5:4873", "http://10.0.0.5/x", false},
		{"http://10.0.0.5:4873", "https://10.0.0.5/x", false},
		{"http://npm.corp", "https://npm.corp/x", true}, // on its way to https
		{"https://npm.corp", "http://npm.corp:80/x", false},
		{"https://npm.corp", "https://NPM.corp./x", true},
		{"https://npm.corp", "https://npm.corp.evil/x", false},
		{"https://npm.corp", "https://npm.corp@evil/x", false},
	}
	for _, tt := range tests {
		g := &Guard{base: parse(t, tt.base)}
		if got := g.Own(parse(t, tt.url)); got != tt.own {
			t.Errorf("own(%s) of upstream %s = %t", tt.url, tt.base, got)
		}
	}
}

// TestDialledAddressIsChecked: it is the address that counts, not the name.
func TestDialledAddressIsChecked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n := Default()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, err := n.Foreign(t.Context(), "tcp", net.JoinHostPort(host, port))
		if _, ok := errors.AsType[*RefusedError](err); !ok {
			t.Errorf("dialling %s: %v", host, err)
		}
	}
	conn, err := n.Own(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
