package dynamokv

import (
	"cmp"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/registry-action/internal/store/kv"
)

// A key of any bytes is stored as text, in the same order, and comes back.
func FuzzKeys(f *testing.F) {
	for _, pair := range [][2]string{{"a", "b"}, {"ä", "\xff"}, {"\x7f", "\x80"}, {"\xc3", "\xc3\xa4"}, {"a\xff", "a"}, {"\U0010ffff", "\xf5"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		ea, eb := encodeKey(a), encodeKey(b)
		if !utf8.ValidString(ea) {
			t.Errorf("%q is stored as %q, which is no text", a, ea)
		}
		if back, ok := decodeKey(ea); !ok || back != a {
			t.Errorf("%q comes back as %q, %t", a, back, ok)
		}
		if cmp.Compare(ea, eb) != cmp.Compare(a, b) {
			t.Errorf("%q and %q are stored in another order: %q, %q", a, b, ea, eb)
		}
		if strings.HasPrefix(ea, eb) != strings.HasPrefix(a, b) {
			t.Errorf("that %q begins with %q is not kept: %q, %q", a, b, ea, eb)
		}
	})
}

// What a table holds is a format: servers of other versions read it.
func TestItems(t *testing.T) {
	db := openTable(t, Options{Table: newName(), Create: true})
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	expiring := row("p", "c", "v")
	expiring.Expires = at
	if err := db.Apply(t.Context(), kv.Put(row("p", "a", "text")), kv.Put(row("p", "b", "42")), kv.Put(expiring), kv.Add(kv.Key{Partition: "p", Sort: "\xff"}, -7)); err != nil {
		t.Fatal(err)
	}
	out, err := db.api.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &db.table, KeyConditionExpression: new("PK = :p"), ExpressionAttributeValues: item{":p": text("p")},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := func(s string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(s)} }
	want := []item{
		{"PK": text("p"), "SK": text("a"), "v": b("text")},
		{"PK": text("p"), "SK": text("b"), "n": number(42)},
		{"PK": text("p"), "SK": text("c"), "v": b("v"), "expiresAt": number(at.Unix())},
		{"PK": text("p"), "SK": text("ÿ"), "n": number(-7)},
	}
	if d := gocmp.Diff(want, out.Items, cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{})); d != "" {
		t.Error(d)
	}
}

// Items that somebody else wrote are an error that names the row, and no panic.
func TestForeignItems(t *testing.T) {
	db := openTable(t, Options{Table: newName(), Create: true})
	for name, more := range map[string]item{
		"no value":              {},
		"a value of text":       {"v": text("x")},
		"a broken counter":      {"n": &types.AttributeValueMemberN{Value: "1.5"}},
		"a huge counter":        {"n": &types.AttributeValueMemberN{Value: "99999999999999999999"}},
		"an end that is text":   {"v": &types.AttributeValueMemberB{Value: []byte("x")}, "expiresAt": text("tomorrow")},
		"only other attributes": {"name": text("lodash")},
	} {
		it := keyOf(kv.Key{Partition: "PACKAGE#lodash", Sort: name})
		maps.Copy(it, more)
		if _, err := db.api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &db.table, Item: it}); err != nil {
			t.Fatal(err)
		}
		if r, err := db.Get(t.Context(), kv.Key{Partition: "PACKAGE#lodash", Sort: name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: read as %v, %v", name, r, err)
		}
		if more["expiresAt"] != nil {
			continue // the server of the tests can't compare that, Amazon's passes over it
		}
		for r, err := range db.Scan(t.Context(), "PACKAGE#lodash", kv.Query{Prefix: name}) {
			if err == nil {
				t.Errorf("%s: scanned as %v", name, r)
			}
		}
	}
	if _, _, err := rowOf(item{"PK": text("Ā"), "SK": text("s")}, 0); err == nil {
		t.Error("a key that no row has is read")
	}
}
