package registry_test

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/registry"
)

// change is what somebody who can write to the metadata, or a disk, makes of a row.
type change struct {
	name            string
	partition, sort string                                  // what the key begins with, of one row
	to              func(value []byte) []byte               // nil: the row is deleted
	ops             func(row kv.Row, rows []kv.Row) []kv.Op // in place of to
	want            []string                                // "code kind name", each once
}

// replaced replaces a text of a row, in its compressed form too.
func replaced(old, new string) func([]byte) []byte {
	return func(value []byte) []byte { return bytes.Replace(value, []byte(old), []byte(new), 1) }
}

// inside is a change of what a row holds compressed.
func inside(f func([]byte) []byte) func([]byte) []byte {
	return func(value []byte) []byte {
		text, rest := inflated(value)
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.DefaultCompression)
		_, _ = w.Write(f(text)) // to memory
		_ = w.Close()
		return append(b.Bytes(), rest...)
	}
}

// beyond flips a bit of what stands behind the compressed text of a row.
func beyond(at int) func([]byte) []byte {
	return func(value []byte) []byte {
		out := slices.Clone(value)
		_, rest := inflated(out)
		rest[at] ^= 1
		return out
	}
}

// inflated is the text of a row, and what stands behind it.
func inflated(value []byte) (text, rest []byte) {
	r := bytes.NewReader(value)
	text, err := io.ReadAll(flate.NewReader(r))
	if err != nil {
		panic(err)
	}
	return text, value[len(value)-r.Len():]
}

// lateral flips a character of what follows a text.
func lateral(after string) func([]byte) []byte {
	return func(value []byte) []byte {
		out := slices.Clone(value)
		at := bytes.Index(out, []byte(after))
		if at < 0 {
			return value // nothing is wrong then, which the test does not take
		}
		at += len(after) + 8
		if out[at]++; out[at] == '9'+1 || out[at] == 'f'+1 || out[at] == 'z'+1 || out[at] == 'Z'+1 || out[at] == '/' || out[at] == '0' {
			out[at] = '5'
		}
		return out
	}
}

const acme11 = "npm @acme/a@1.1.0"

var rowChanges = []change{
	{name: "the integrity of a version", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"integrity":"sha512-`)), want: []string{"signature " + acme11, "sums " + acme11}},
	{name: "the shasum of a version", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"shasum":"`)), want: []string{"sums " + acme11}},
	{name: "the checksum of a version", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"checksum":"sha256:`)), want: []string{"sums " + acme11}},
	{name: "the blob that a version names", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"digest":"sha256:`)), want: []string{"missing " + acme11}},
	{name: "the size of a version", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`},"checksum"`, `1},"checksum"`)), want: []string{"sums " + acme11}},
	{name: "the number of files", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`"files":2`, `"files":3`)), want: []string{"manifest " + acme11}},
	{name: "the signature of a version", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"sig":"`)), want: []string{"signature " + acme11}},
	{name: "the key of a signature", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(lateral(`"keyid":"SHA256:`)), want: []string{"signature " + acme11}},
	{name: "no signature", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`"signatures":[`, `"nothing":[`)), want: []string{"signature " + acme11}},
	{name: "a dependency that no archive has", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`"manifest":{`, `"manifest":{"dependencies":{"evil":"*"}`)), want: []string{"manifest " + acme11}},
	{name: "an install script", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`"manifest":`, `"installScript":true,"manifest":`)), want: []string{"manifest " + acme11}},
	{name: "the version of a row", partition: "package/@acme/a", sort: "version/1.1.0", to: inside(replaced(`"version":"1.1.0"`, `"version":"1.1.1"`)), want: []string{"manifest " + acme11, "row " + acme11, "signature " + acme11}},
	{name: "a version that can't be read", partition: "package/@acme/a", sort: "version/1.1.0", to: func(v []byte) []byte { return v[:len(v)/2] }, want: []string{"row " + acme11}},
	{name: "another version's row", partition: "package/@acme/a", sort: "version/1.1.0", ops: copyOf("version/1.0.0"), want: []string{"row " + acme11}},
	{name: "another version's signature", partition: "package/@acme/a", sort: "version/1.1.0", ops: signatureOf("version/1.0.0"), want: []string{"signature " + acme11}},
	{name: "a version that is gone", partition: "package/@acme/a", sort: "version/1.1.0", want: []string{"reference npm @acme/a"}},
	{name: "a head that is gone", partition: "package/@acme/a", sort: "head", want: []string{"reference npm @acme/a"}},
	{name: "a list that leaves out a package", partition: "names", sort: "@acme/a", want: []string{"reference npm @acme/a"}},
	{name: "a list with another version", partition: "names", sort: "@acme/a", to: replaced("1.1.0", "1.0.0"), want: []string{"reference npm @acme/a"}},
	{name: "an owner's list", partition: "owner/", sort: "@acme/a", want: []string{"reference npm @acme/a"}},
	{name: "a tombstone that can't be read", partition: "package/gone", sort: "gone/", to: func([]byte) []byte { return []byte("{") }, want: []string{"row npm gone@1.0.0"}},
	{name: "the hold of a version's bytes", partition: "blob/packages", sort: "hold", ops: firstHold, want: []string{"hold npm"}},

	{name: "the rows of a publish", partition: "commit/" + sha2, sort: "pkg/", want: []string{"reference commit " + sha2}},
	{name: "the head of a commit", partition: "commit/" + sha2, sort: "head", want: []string{"reference commit " + sha2, "reference commit org/split", "reference commit org/split@branch/main"}},
	{name: "the index of a commit", partition: "repo/org/split", sort: "commit/" + sha2, want: []string{"reference commit " + sha2, "reference commit org/split@branch/main"}},
	{name: "the short form of a commit", partition: "prefix/" + sha2[:7], sort: sha2, want: []string{"reference commit " + sha2}},
	{name: "a ref to a commit that is gone", partition: "repo/org/split", sort: "ref/branch/main", to: replaced(sha2, strings.Repeat("2", 40)), want: []string{"reference commit org/split@branch/main"}},
	{name: "the owners of a repository", partition: "repo/org/split", sort: "host", want: []string{"reference commit org/split"}},
	{name: "a recipe", partition: "commit/" + sha2, sort: "pkg/", to: inside(lateral(`"crc32":`)), want: []string{"sums commit " + sha2 + "/@acme/split"}},
	{name: "the integrity of a commit's package", partition: "commit/" + sha2, sort: "pkg/", to: beyond(40), want: []string{"sums commit " + sha2 + "/@acme/split"}},

	{name: "a hash of Zig", partition: "zig/package/greet", sort: "version/", to: lateral(`"legacyHash":"1220`), want: []string{"hash zig greet 1.0.0", "reference zig greet 1.0.0"}},
	{name: "the integrity of a Zig package", partition: "zig/package/greet", sort: "version/", to: lateral(`"integrity":"sha512-`), want: []string{"sums zig greet 1.0.0"}},
	{name: "the paths of a Zig package", partition: "zig/package/greet", sort: "version/", to: replaced(`"paths":[""]`, `"paths":["x"]`), want: []string{"manifest zig greet 1.0.0"}},
	{name: "a hash row of Zig", partition: "zig/hash/1220", sort: "greet/", want: []string{"reference zig greet 1.0.0"}},
	{name: "a Zig version that is gone", partition: "zig/package/greet", sort: "version/", want: []string{"reference zig greet", "reference zig greet 1.0.0"}},

	{name: "the metadata of a Lumen version", partition: "lumen/package/@acme/utils", sort: "metadata/", to: replaced(`"manifest_hash": "sha256:`, `"manifest_hash": "sha256:0`), want: []string{"hash lumen @acme/utils 1.0.0", "signature lumen @acme/utils 1.0.0"}},
	{name: "an optional dependency of a Lumen version", partition: "lumen/package/@acme/utils", sort: "metadata/", to: replaced(`"deps": {`, `"optional_deps": {"x": ["@a/b@*"]}, "deps": {`), want: []string{"hash lumen @acme/utils 1.0.0", "manifest lumen @acme/utils 1.0.0", "signature lumen @acme/utils 1.0.0"}},
	{name: "the signature of a Lumen version", partition: "lumen/package/@acme/utils", sort: "signature/", to: lateral(`"signature": "`), want: []string{"hash lumen @acme/utils 1.0.0", "signature lumen @acme/utils 1.0.0"}},
	{name: "no signature of a Lumen version", partition: "lumen/package/@acme/utils", sort: "signature/", want: []string{"reference lumen @acme/utils 1.0.0"}},
	{name: "an entry of Lumen", partition: "lumen/versions", sort: "@acme/utils 1.0.0", want: []string{"reference lumen @acme/utils", "reference lumen @acme/utils 1.0.0"}},
	{name: "an archive of Lumen", partition: "lumen/artifact/", sort: "artifact", want: []string{"reference lumen @acme/utils 1.0.0"}},
	{name: "the index of Lumen", partition: "lumen/names", sort: "@acme/utils", to: replaced(`"latest":"1.0.0"`, `"latest":"1.0.1"`), want: []string{"reference lumen @acme/utils"}},
	{name: "the key of Lumen", partition: "lumen/keys", sort: "current", to: lateral(`"seed":"`), want: []string{"signature lumen @acme/utils 1.0.0"}},
	{name: "the key of npm", partition: "signing", sort: "current", to: func([]byte) []byte { return []byte("no key") }, want: []string{"row key npm", "signature npm @acme/a@1.0.0", "signature " + acme11}},

	{name: "the packages of a policy", partition: "trust/policy", to: replaced(`@acme/*`, `*`), want: []string{"row policy"}},
	{name: "the owner of a policy", partition: "trust/policy", to: replaced(`"ownerId":65`, `"ownerId":66`), want: []string{"row policy"}},
	{name: "a policy that can't be read", partition: "trust/policy", to: func([]byte) []byte { return []byte("{") }, want: []string{"row policy"}},
	{name: "a policy that is gone", partition: "trust/policy", want: []string{"reference policy"}},
	{name: "what finds a policy", partition: "trust/issuer/", sort: "id/", want: []string{"reference policy"}},
	{name: "what finds a policy for another repository", partition: "trust/issuer/", sort: "name/", ops: renamedIndex, want: []string{"reference policy"}},
	{name: "what a token may do", partition: "auth/token", sort: "", to: replaced(`"permission":"publish"`, `"permission":"admin"`), want: []string{"row token"}},
	{name: "a token that no list shows", partition: "auth/tokens/bob", want: []string{"reference token"}},
	{name: "an account that can't be read", partition: "auth/user", sort: "alice", to: func([]byte) []byte { return []byte("[]") }, want: []string{"row account alice"}},
	{name: "an account whose name is free", partition: "auth/name", sort: "alice", want: []string{"reference account alice"}},
}

// renamedIndex has a policy found by another name.
func renamedIndex(row kv.Row, _ []kv.Row) []kv.Op {
	wrong := row
	wrong.Sort = strings.Replace(row.Sort, "widgets", "gadgets", 1)
	return []kv.Op{kv.Delete(row.Key), kv.Put(wrong)}
}

// copyOf puts another row's value in the place of a row's.
func copyOf(sort string) func(kv.Row, []kv.Row) []kv.Op {
	return func(row kv.Row, rows []kv.Row) []kv.Op {
		for _, r := range rows {
			if r.Partition == row.Partition && r.Sort == sort {
				return []kv.Op{kv.Put(kv.Row{Key: row.Key, Value: r.Value})}
			}
		}
		return nil // nothing is wrong then, which the test does not take
	}
}

// signatureOf puts another row's signature in the place of a row's.
func signatureOf(sort string) func(kv.Row, []kv.Row) []kv.Op {
	find := func(value []byte) (sig string) {
		inside(func(text []byte) []byte {
			_, rest, _ := strings.Cut(string(text), `"sig":"`)
			sig, _, _ = strings.Cut(rest, `"`)
			return text
		})(value)
		return sig
	}
	return func(row kv.Row, rows []kv.Row) []kv.Op {
		other := copyOf(sort)(row, rows)[0].Row.Value
		row.Value = inside(replaced(find(row.Value), find(other)))(row.Value)
		return []kv.Op{kv.Put(row)}
	}
}

// firstHold lets the sweeper have the bytes of a version.
func firstHold(row kv.Row, _ []kv.Row) []kv.Op {
	row.Value = []byte(`{"until":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`)
	return []kv.Op{kv.Put(row)}
}

// Whatever row is changed or lost that says what packages are, is found, and what is concerned is named.
func TestVerifyFindsChangedRows(t *testing.T) {
	k := keepAll(t, registry.Config{})
	k.wantSound()
	for _, c := range rowChanges {
		t.Run(c.name, func(t *testing.T) {
			k.t = t
			var undo []kv.Op
			k.rows(func(db kv.Walker) { undo = c.apply(t, db) })
			v, _ := k.verify()
			var got []string
			for _, p := range v.Problems {
				got = append(got, p.Code+" "+p.Kind+" "+p.Name)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			if !slices.EqualFunc(got, c.want, func(got, want string) bool {
				return got == want || !strings.Contains(strings.SplitN(want, " ", 2)[1], " ") && strings.HasPrefix(got, want+" ")
			}) {
				t.Errorf("found %q, want %q", got, c.want)
				for _, p := range v.Problems {
					t.Logf("%+v", p)
				}
			}
			k.rows(func(db kv.Walker) {
				if err := db.Apply(t.Context(), undo...); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
	k.t = t
	k.rows(func(kv.Walker) {})
	k.wantSound()
}

// apply makes the change, and returns what undoes it.
func (c change) apply(t *testing.T, db kv.Walker) (undo []kv.Op) {
	t.Helper()
	var rows []kv.Row
	for _, r := range all(t, db) {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b kv.Row) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	for _, r := range rows {
		if !strings.HasPrefix(r.Partition, c.partition) || !strings.HasPrefix(r.Sort, c.sort) {
			continue
		}
		ops := []kv.Op{kv.Delete(r.Key)}
		switch {
		case c.ops != nil:
			ops = c.ops(r, rows)
		case c.to != nil:
			changed := r
			if changed.Value = c.to(r.Value); bytes.Equal(changed.Value, r.Value) {
				t.Fatalf("nothing of %s was changed: %s", r.Key, r.Value)
			}
			ops = []kv.Op{kv.Put(changed)}
		}
		if err := db.Apply(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
		undo = []kv.Op{kv.Put(r)}
		for _, op := range ops {
			if op.Row.Key != r.Key {
				undo = append(undo, kv.Delete(op.Row.Key))
			}
		}
		return undo
	}
	t.Fatalf("there is no row %s…/%s…", c.partition, c.sort)
	return nil
}
