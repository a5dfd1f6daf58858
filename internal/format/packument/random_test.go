package packument

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// randomDocument writes a document by the grammar of JSON, from few keys that
// mean something, so that they come together, twice, and in wrong places.
type randomDocument struct {
	strings.Builder
	rnd *rand.Rand
}

func (d *randomDocument) space() {
	for d.rnd.IntN(4) == 0 {
		d.WriteByte(" \t\r\n"[d.rnd.IntN(4)])
	}
}

func pickOne[T any](d *randomDocument, list ...T) T { return list[d.rnd.IntN(len(list))] }

// text writes a string, some characters escaped.
func (d *randomDocument) text(s string) {
	d.WriteByte('"')
	for _, r := range s {
		switch {
		case d.rnd.IntN(12) == 0 && r < 0x10000:
			fmt.Fprintf(d, `\u%04x`, r)
		case r == '"' || r == '\\':
			d.WriteString(`\` + string(r))
		case r < ' ':
			fmt.Fprintf(d, `\u%04X`, r)
		default:
			d.WriteRune(r)
		}
	}
	d.WriteByte('"')
}

func (d *randomDocument) object(member func()) {
	d.WriteByte('{')
	d.space()
	for i := range d.rnd.IntN(5) {
		if i > 0 {
			d.WriteByte(',')
		}
		d.space()
		member()
		d.space()
	}
	d.WriteByte('}')
}

func (d *randomDocument) member(key string, value func()) {
	d.text(key)
	d.space()
	d.WriteByte(':')
	d.space()
	value()
}

func (d *randomDocument) word() string {
	return pickOne(d, "", "a", "@s/a", "1.0.0", "2.0.0", "./x/../y.js", "https://other.example.org/a.tgz", "é😀\u2028", "\"\\\x00\n", "<&>", "a longer text, of more than eight bytes", "é so is this")
}

// any writes a value of any kind.
func (d *randomDocument) any(depth int) {
	if depth > 3 {
		depth = 100
	}
	switch n := d.rnd.IntN(9); {
	case n == 0 && depth < 100:
		d.WriteByte('[')
		for i := range d.rnd.IntN(3) {
			if i > 0 {
				d.WriteByte(',')
			}
			d.space()
			d.any(depth + 1)
			d.space()
		}
		d.WriteByte(']')
	case n <= 2 && depth < 100:
		d.object(func() {
			d.member(pickOne(d, "name", "email", "tarball", "dist", "versions", "install", "keyid", "sig", d.word()), func() { d.any(depth + 1) })
		})
	case n <= 5:
		d.text(d.word())
	default:
		d.WriteString(pickOne(d, "true", "false", "null", "0", "-1.5e+3", "7"))
	}
}

// or is value, or seldom something else.
func (d *randomDocument) or(value func()) func() {
	return func() {
		if d.rnd.IntN(10) == 0 {
			d.any(0)
		} else {
			value()
		}
	}
}

func (d *randomDocument) version() {
	d.object(func() {
		key := pickOne(d, "name", "version", "dist", "dist", "dist", "bin", "scripts", "deprecated", "hasInstallScript", "gypfile", "_hasShrinkwrap", "_npmUser",
			"maintainers", "dependencies", "engines", "_id", "readme", "other", "versions")
		d.member(key, func() {
			switch key {
			case "dist":
				d.or(d.dist)()
			case "scripts":
				d.or(func() { d.object(func() { d.member(pickOne(d, "install", "test"), func() { d.any(9) }) }) })()
			default:
				d.any(0)
			}
		})
	})
}

func (d *randomDocument) dist() {
	d.object(func() {
		d.member(pickOne(d, "tarball", "tarball", "shasum", "integrity", "fileCount", "unpackedSize", "signatures", "attestations", "other"), func() { d.any(2) })
	})
}

func (d *randomDocument) document() string {
	d.WriteString(`{"name":"@s/a"`)
	for range d.rnd.IntN(6) {
		d.WriteByte(',')
		key := pickOne(d, "versions", "versions", "dist-tags", "time", "modified", "readme", "users", "maintainers", "_rev", "_id", "description", "dist")
		d.member(key, d.or(func() {
			switch key {
			case "versions":
				d.object(func() { d.member(pickOne(d, "1.0.0", "2.0.0", d.word()), d.or(d.version)) })
			case "dist-tags", "time":
				d.object(func() {
					d.member(pickOne(d, "latest", "modified", "1.0.0"), d.or(func() { d.text(pickOne(d, "1.0.0", "2.0.0", d.word())) }))
				})
			default:
				d.any(0)
			}
		}))
	}
	return d.String() + "}"
}

func TestForeignRandom(t *testing.T) {
	for seed := range uint64(1500) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			d := &randomDocument{rnd: rand.New(rand.NewPCG(seed, 1))}
			doc := d.document()
			if err := checkForeign(t, []byte(doc)); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("the document: %s", doc)
			}
		})
	}
}
