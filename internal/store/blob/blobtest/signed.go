package blobtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/store/blob"
)

// SignedStore is a driver whose service is reached by signed URLs.
type SignedStore interface {
	blob.Store
	blob.Signer
}

// RunSigned checks a driver against the laws of blob.Signer, with the service at the other end.
func RunSigned(t *testing.T, open func(t *testing.T) SignedStore) {
	t.Run("SignedGet", func(t *testing.T) { testSignedGet(t, open(t)) })
	t.Run("SignedPut", func(t *testing.T) { testSignedPut(t, open(t)) })
	t.Run("SignedPutOfOthers", func(t *testing.T) { testSignedPutOfOthers(t, open(t)) })
	t.Run("TamperedURLs", func(t *testing.T) { testTamperedURLs(t, open(t)) })
	t.Run("ExpiredURLs", func(t *testing.T) { testExpiredURLs(t, open(t)) })
	t.Run("SignedSpaceNames", func(t *testing.T) { testSignedSpaceNames(t, open(t)) })
}

var asTarball = blob.Answer{ContentType: "application/gzip", Filename: "a 1.tgz"}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ask makes a request of the service and returns the status and what it sent.
func ask(t *testing.T, method, url string, header http.Header, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

func testSignedGet(t *testing.T, s SignedStore) {
	content := randomBytes(1, 5000)
	key := (&suite{s}).put(t, content)
	link, err := s.SignGet(t.Context(), key, time.Minute, asTarball)
	if err != nil {
		t.Fatal(err)
	}
	resp, got := ask(t, http.MethodGet, link, http.Header{}, nil)
	if resp.StatusCode != http.StatusOK || !bytes.Equal(got, content) {
		t.Fatalf("GET = %d, %d bytes", resp.StatusCode, len(got))
	}
	for name, want := range map[string]string{"Content-Type": asTarball.ContentType, "Content-Disposition": `attachment; filename="a 1.tgz"`} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if cache := resp.Header.Get("Cache-Control"); !strings.Contains(cache, "private") || strings.Contains(cache, "immutable") {
		t.Errorf("Cache-Control of what has an address for a minute is %q", cache)
	}
	resp, got = ask(t, http.MethodGet, link, http.Header{"Range": {"bytes=-7"}}, nil)
	if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(got, content[len(content)-7:]) {
		t.Errorf("a range = %d, %d bytes", resp.StatusCode, len(got))
	}
	absent, err := s.SignGet(t.Context(), keyOf([]byte("absent")), time.Minute, asTarball)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := ask(t, http.MethodGet, absent, http.Header{}, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("what is not there = %d", resp.StatusCode)
	}
}

// sign signs a PUT of content.
func sign(t *testing.T, s SignedStore, content []byte) (blob.Key, blob.Request) {
	t.Helper()
	key := keyOf(content)
	r, err := s.SignPut(t.Context(), key, time.Minute, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Authorization") != "" {
		t.Error("the credentials are in a header")
	}
	return key, r
}

func testSignedPut(t *testing.T, s SignedStore) {
	content := randomBytes(2, 5000)
	key, r := sign(t, s, content)
	suite := &suite{s}
	suite.absent(t, key)
	if resp, text := ask(t, http.MethodPut, r.URL, r.Header, content); resp.StatusCode >= 300 {
		t.Fatalf("PUT = %d %s", resp.StatusCode, text)
	}
	suite.has(t, key, content)
	if resp, _ := ask(t, http.MethodPut, r.URL, r.Header, content); resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("the same PUT again = %d", resp.StatusCode)
	}
	if _, created, err := s.Put(t.Context(), key, bytes.NewReader(content)); created || err != nil {
		t.Errorf("Put = created %t, %v, of what is there", created, err)
	}
	suite.has(t, key, content)
}

func testSignedPutOfOthers(t *testing.T, s SignedStore) {
	content := randomBytes(3, 5000)
	other := bytes.Clone(content)
	other[4999] ^= 1
	without := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	for name, tt := range map[string]struct {
		body []byte
		edit func(http.Header)
	}{
		"other bytes":                     {other, nil},
		"fewer bytes":                     {content[:4999], nil},
		"more bytes":                      {append(bytes.Clone(content), 0), nil},
		"none":                            {nil, nil},
		"other bytes without a checksum":  {other, without("X-Amz-Checksum-Sha256")},
		"other bytes with their checksum": {other, func(h http.Header) { h.Set("X-Amz-Checksum-Sha256", checksum(other)) }},
		"other bytes with another kind":   {other, func(h http.Header) { h.Del("X-Amz-Checksum-Sha256"); h.Set("X-Amz-Checksum-Crc32", "AAAAAA==") }},
		"another type":                    {content, func(h http.Header) { h.Set("Content-Type", "text/html") }},
		"without the condition":           {content, without("If-None-Match")},
		"rights for everybody":            {content, func(h http.Header) { h.Set("X-Amz-Acl", "public-read") }},
	} {
		t.Run(name, func(t *testing.T) {
			key, r := sign(t, s, content)
			if tt.edit != nil {
				tt.edit(r.Header)
			}
			if resp, _ := ask(t, http.MethodPut, r.URL, r.Header, tt.body); resp.StatusCode < 400 {
				t.Errorf("PUT = %d", resp.StatusCode)
			}
			(&suite{s}).absent(t, key)
		})
	}
}

func testTamperedURLs(t *testing.T, s SignedStore) {
	suite := &suite{s}
	mine, others := suite.put(t, randomBytes(4, 100)), suite.put(t, randomBytes(5, 100))
	link, err := s.SignGet(t.Context(), mine, time.Minute, asTarball)
	if err != nil {
		t.Fatal(err)
	}
	content := randomBytes(6, 100)
	key, put := sign(t, s, content)
	edit := func(link string, with func(q url.Values)) string {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		with(q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	for name, link := range map[string]string{
		"another blob":      strings.ReplaceAll(strings.ReplaceAll(link, mine.Digest.Hex(), others.Digest.Hex()), "/"+mine.Digest.Hex()[:2]+"/", "/"+others.Digest.Hex()[:2]+"/"),
		"a longer life":     edit(link, set("X-Amz-Expires", "6000")),
		"another type":      edit(link, set("response-content-type", "text/html")),
		"an encoding":       edit(link, set("response-content-encoding", "gzip")),
		"no signature":      edit(link, func(q url.Values) { q.Del("X-Amz-Signature") }),
		"another signature": edit(link, set("X-Amz-Signature", strings.Repeat("0", 64))),
	} {
		if resp, body := ask(t, http.MethodGet, link, http.Header{}, nil); resp.StatusCode < 400 {
			t.Errorf("%s: GET = %d, %d bytes", name, resp.StatusCode, len(body))
		}
	}
	if resp, _ := ask(t, http.MethodDelete, link, http.Header{}, nil); resp.StatusCode < 400 {
		t.Errorf("DELETE with the URL of a GET = %d", resp.StatusCode)
	}
	suite.has(t, mine, randomBytes(4, 100))
	if resp, _ := ask(t, http.MethodPut, edit(put.URL, set("X-Amz-Expires", "6000")), put.Header, content); resp.StatusCode < 400 {
		t.Errorf("PUT with a longer life = %d", resp.StatusCode)
	}
	if resp, _ := ask(t, http.MethodGet, put.URL, put.Header, nil); resp.StatusCode < 400 {
		t.Errorf("GET with the URL of a PUT = %d", resp.StatusCode)
	}
	suite.absent(t, key)
}

// testExpiredURLs signs when the clock of a bubble says, long ago.
func testExpiredURLs(t *testing.T, s SignedStore) {
	content := randomBytes(7, 100)
	key := (&suite{s}).put(t, content)
	later := randomBytes(8, 100)
	sign(t, s, later) // a driver may ask its service something before its first PUT
	var link string
	var put blob.Request
	var err error
	synctest.Test(t, func(t *testing.T) {
		var failed error
		link, err = s.SignGet(t.Context(), key, time.Minute, asTarball)
		put, failed = s.SignPut(t.Context(), keyOf(later), time.Minute, 100)
		err = errors.Join(err, failed)
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := ask(t, http.MethodGet, link, http.Header{}, nil); resp.StatusCode != http.StatusForbidden || bytes.Contains(body, content) {
		t.Errorf("GET = %d, want 403", resp.StatusCode)
	}
	if resp, _ := ask(t, http.MethodPut, put.URL, put.Header, later); resp.StatusCode != http.StatusForbidden {
		t.Errorf("PUT = %d, want 403", resp.StatusCode)
	}
	(&suite{s}).absent(t, keyOf(later))
}

func testSignedSpaceNames(t *testing.T, s SignedStore) {
	key := keyOf(nil)
	key.Space = "../packages"
	if link, err := s.SignGet(t.Context(), key, time.Minute, asTarball); !errors.Is(err, blob.ErrSpace) {
		t.Errorf("SignGet = %q, %v", link, err)
	}
	if r, err := s.SignPut(t.Context(), key, time.Minute, 0); !errors.Is(err, blob.ErrSpace) {
		t.Errorf("SignPut = %q, %v", r.URL, err)
	}
}
