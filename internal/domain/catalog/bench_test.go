package catalog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/org/registry-action/internal/format/packument"
)

// BenchmarkRelease is the hot path: a packument of ours that is in memory.
func BenchmarkRelease(b *testing.B) {
	w := newWorld(b, setup{})
	w.publish("@org/mine", many(100)...)
	for _, packed := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%t", packed), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, err := w.Packument(b.Context(), mainRoot, "@org/mine", packument.Abbreviated, false)
				if err != nil {
					b.Fatal(err)
				}
				body, err := doc.Body(b.Context(), packed)
				if err != nil {
					b.Fatal(err)
				}
				body.Close()
			}
		})
	}
}

// BenchmarkReleaseRender is what a write costs the first reader after it.
func BenchmarkReleaseRender(b *testing.B) {
	w := newWorld(b, setup{})
	w.publish("@org/mine", many(100)...)
	for b.Loop() {
		w.releases.revision++
		w.releases.packages["@org/mine"].Rev = fmt.Sprint(w.releases.revision)
		if _, err := w.Packument(b.Context(), mainRoot, "@org/mine", packument.Abbreviated, false); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkForeign is a document of upstream with ten megabytes: rendered (cold), and
// found in the cache (warm); each is read to its end.
func BenchmarkForeign(b *testing.B) {
	text := realistic(10 << 20)
	path := filepath.Join(b.TempDir(), "big.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	r := rendering{key: key{root: mainRoot.URL, name: "big"}, stamp: stamp{foreign: "1"}}
	for _, cold := range []bool{true, false} {
		for _, packed := range []bool{false, true} {
			b.Run(fmt.Sprintf("cold=%t gzip=%t", cold, packed), func(b *testing.B) {
				w := newWorld(b, setup{})
				w.src.Upstream = oneFile{Upstream: w.upstream, path: path}
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if id := w.renderedID(r); cold {
						if err := errors.Join(w.cache.Delete(encoding{id, false}.key()), w.cache.Delete(encoding{id, true}.key())); err != nil {
							b.Fatal(err)
						}
					}
					doc, err := w.Packument(b.Context(), mainRoot, "big", packument.Full, false)
					if err != nil {
						b.Fatal(err)
					}
					body, err := doc.Body(b.Context(), packed)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, body.File); err != nil {
						b.Fatal(err)
					}
					body.Close()
				}
			})
		}
	}
}

// oneFile is an upstream whose only packument is a file, as the real one's are.
type oneFile struct {
	Upstream
	path string
}

func (o oneFile) Packument(context.Context, string, packument.Form, bool) (*Foreign, error) {
	f, err := os.Open(o.path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return &Foreign{Text: f, Size: info.Size(), ID: "1"}, err
}

// realistic is a packument with about as much noise as those of the public registry.
func realistic(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"name":"big","dist-tags":{"latest":"1.0.0"},"versions":{`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		noise := make([]byte, 64)
		_, _ = rand.Read(noise) // never fails
		fmt.Fprintf(&b, `"1.0.%[1]d":{"name":"big","version":"1.0.%[1]d","description":"a package","main":"lib/index.js","scripts":{"test":"jest","build":"tsc -p . && node build.js"},`+
			`"dependencies":{"lodash":"^4.17.%[1]d"},"devDependencies":{"typescript":"~5.%[1]d.2","eslint":"^8.%[1]d.0","@types/node":"^20.1.%[1]d"},"gitHead":"%[2]x",`+
			`"dist":{"integrity":"sha512-%[3]s","shasum":"%[4]x","tarball":"https://upstream.example/big/-/big-1.0.%[1]d.tgz","fileCount":%[1]d,`+
			`"signatures":[{"keyid":"SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA","sig":"%[5]s"}]},"_npmUser":{"name":"someone","email":"someone@example.com"},`+
			`"maintainers":[{"name":"someone","email":"someone@example.com"},{"name":"other","email":"other@example.com"}],"_npmVersion":"10.2.%[1]d"}`,
			i, noise[:20], base64.StdEncoding.EncodeToString(noise), noise[20:40], base64.StdEncoding.EncodeToString(noise[:48]))
	}
	b.WriteString(`}}`)
	return b.Bytes()
}
