package packument

import (
	"fmt"
	"strings"
	"testing"
)

// large makes a full packument like the largest real ones: thousands of
// versions, each a few kilobytes.
func large(versions int) []byte {
	var b strings.Builder
	b.WriteString(`{"_id":"big","_rev":"7-abc","name":"big","dist-tags":{"latest":"1.0.1","next":"1.0.0"},"versions":{`)
	for i := range versions {
		if i > 0 {
			b.WriteByte(',')
		}
		v := fmt.Sprintf("1.0.%d", i)
		fmt.Fprintf(&b, `"%s":{"name":"big","version":"%s","keywords":["compiler","language","javascript"],"author":{"name":"Somebody Inc."},"license":"Apache-2.0","_id":"big@%s","maintainers":[{"name":"bob","email":"bob@example.org"},{"name":"eve","email":"eve@example.org"}],"homepage":"https://www.example.org/","bugs":{"url":"https://github.com/acme/big/issues"},"bin":{"big":"bin/big","bigd":"bin/bigd"},`, v, v, v)
		fmt.Fprintf(&b, `"dist":{"shasum":"%040x","tarball":"https://npm.other.example.org/big/-/big-%s.tgz","fileCount":180,"integrity":"sha512-%086x==","signatures":[{"sig":"MEUCIQDUDW9mT9M8iWzabLvf50FEoKRwxp5gfLcAxtKWCb9hvwIgCY77NN8cRXFNNd1W01X4DfEDRG2KZmuixGcPYZ6JhuI=","keyid":"SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"}],"unpackedSize":72230123},`, i, v, i)
		b.WriteString(`"main":"./lib/big.js","gitHead":"6a3a2fa2c4c0a8a1e8c54bd1eb1d8c2a1d3e8f1a","scripts":{"test":"node test.js --all \"and more\"","build":"npm run build:compiler && npm run build:tests","lint":"eslint ."},"typings":"./lib/big.d.ts","_npmUser":{"name":"bob","email":"bob@example.org"},"repository":{"url":"git+https://github.com/acme/big.git","type":"git"},"_npmVersion":"10.8.1","description":"A language for application scale development, with <types> & more","directories":{},"_nodeVersion":"20.1.0","_hasShrinkwrap":false,"engines":{"node":">=14.17"},"dependencies":{"left-pad":"^1.0.0","ansi-regex":"^5.0.1"},"devDependencies":{`)
		for j := range 20 {
			fmt.Fprintf(&b, `"@acme/dependency-%d":"^1.%d.0",`, j, j)
		}
		b.WriteString(`"mocha":"latest"},"_npmOperationalInternal":{"tmp":"tmp/big_1716995612345_0.123456789","host":"s3://npm-registry-packages"}}`)
	}
	b.WriteString(`},"time":{"created":"2012-10-01T15:35:39.553Z","modified":"2026-01-01T00:00:00.000Z"`)
	for i := range versions {
		fmt.Fprintf(&b, `,"1.0.%d":"2020-01-02T03:04:05.%03dZ"`, i, i%1000)
	}
	b.WriteString(`},"readme":"# Big\n\nIt is \"big\".\n"}`)
	return []byte(b.String())
}

func BenchmarkForeign(b *testing.B) {
	text := large(4600) // 10 MB
	for _, bench := range []struct {
		name string
		run  func() error
	}{
		{"Retarget", func() error { _, err := Retarget(text, "big", "https://npm.example.com"); return err }},
		{"Abbreviate", func() error { _, err := Abbreviate(text, "big"); return err }},
		{"Refs", func() error { _, err := Refs(text, "big"); return err }},
		{"Pick", func() error { _, err := Pick(text, "big", "latest"); return err }},
		{"Parse", func() error { _, err := Parse(text, "big"); return err }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	p, err := Parse(large(1000), "big")
	if err != nil {
		b.Fatal(err)
	}
	for name, form := range map[string]Form{"full": Full, "abbreviated": Abbreviated} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := p.Encode(form)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
	}
}
