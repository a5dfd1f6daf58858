package packages

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/tarball"
)

const slsa = "https://slsa.dev/provenance/v1"

// bundleOf is a sigstore bundle about a tarball with a sha512 in hex.
func bundleOf(sha512, predicate string) []byte {
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"pkg:npm/a@1.0.0","digest":{"sha512":%q}}],"predicateType":%q,"predicate":{}}`, sha512, predicate)
	return fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{},"dsseEnvelope":{"payload":%q,"payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUC"}]}}`,
		base64.StdEncoding.EncodeToString([]byte(statement)))
}

func sha512Of(t testing.TB, text []byte) string {
	t.Helper()
	sum, err := tarball.Check(bytes.NewReader(text), tarball.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum.Sums.Integrity, "sha512-"))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func TestProvenance(t *testing.T) {
	w := newWorld(t, Options{})
	text := tgz(t, "a", "1.0.0", "x")
	bundle := bundleOf(sha512Of(t, text), slsa)
	if _, err := w.send(alice, text, Release{Provenance: bundle}); err != nil {
		t.Fatal(err)
	}
	w.publish(alice, "a", "2.0.0")
	v, err := w.Version(t.Context(), "a", "1.0.0")
	if want := `{"url":"","provenance":{"predicateType":"` + slsa + `"}}`; err != nil || !v.Provenance || string(v.Dist.Attestations) != want {
		t.Errorf("attestations = %s, %v, want %s", v.Dist.Attestations, err, want)
	}
	got, err := w.Provenance(t.Context(), "a", "1.0.0")
	if err != nil || !bytes.Equal(got, bundle) {
		t.Errorf("Provenance = %s, %v, want what was sent", got, err)
	}
	_, err = w.Provenance(t.Context(), "a", "2.0.0")
	refused(t, "a version without", err, fault.NotFound, "")
	_, err = w.Provenance(t.Context(), "a", "3.0.0")
	refused(t, "no version", err, fault.NotFound, "")

	// It goes with its version, and does not come back with it by itself.
	if err := w.Unpublish(t.Context(), alice, "a", "", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(alice, text, Release{}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Provenance(t.Context(), "a", "1.0.0")
	refused(t, "after it came back without", err, fault.NotFound, "")
}

func TestBadProvenance(t *testing.T) {
	w := newWorld(t, Options{})
	text := tgz(t, "a", "1.0.0", "x")
	sum := sha512Of(t, text)
	good := string(bundleOf(sum, slsa))
	for name, bundle := range map[string]string{
		"no JSON":          "{",
		"another type":     "[]",
		"of other bytes":   string(bundleOf(sha512Of(t, tgz(t, "a", "1.0.0", "y")), slsa)),
		"no subject":       string(bundleOf("", slsa)),
		"no predicateType": string(bundleOf(sum, "")),
		"no envelope":      `{"mediaType":"x"}`,
		"no base64":        `{"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":"%%%"}}`,
		"another payload":  strings.Replace(good, "application/vnd.in-toto+json", "text/plain", 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.send(alice, text, Release{Provenance: json.RawMessage(bundle)})
			refused(t, "Publish", err, fault.Invalid, "bad_provenance")
		})
	}
	_, err := w.send(alice, text, Release{Provenance: json.RawMessage(strings.Repeat(" ", maxProvenance) + good)})
	refused(t, "too large", err, fault.TooLarge, "")
	if w.Stored() != 0 {
		t.Error("bytes with refused provenance are stored")
	}
}

func FuzzPredicate(f *testing.F) {
	text := tgz(f, "a", "1.0.0", "x")
	sum, err := tarball.Check(bytes.NewReader(text), tarball.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bundleOf(sha512Of(f, text), slsa))
	f.Add(bundleOf("", ""))
	f.Add([]byte(`{"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":"e30="}}`))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		predicate, err := predicateOf(bundle, "a", Artifact{Sums: sum.Sums})
		if (predicate == "") != (err != nil) {
			t.Errorf("predicate %q with %v", predicate, err)
		}
	})
}
