package dynamokv

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/store/kv"
)

// The attributes of an item.
const (
	partitionAttr = "PK"
	sortAttr      = "SK"
	valueAttr     = "v"
	counterAttr   = "n"
	expiresAttr   = "expiresAt"
)

type item = map[string]types.AttributeValue

// encodeKey makes text of any bytes: byte b becomes the character U+00b. ASCII
// stays as it is, order and prefixes are kept.
func encodeKey(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// decodeKey undoes encodeKey; ok is false for what it never makes.
func decodeKey(s string) (key string, ok bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), true
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func keyOf(k kv.Key) item {
	return item{partitionAttr: text(encodeKey(k.Partition)), sortAttr: text(encodeKey(k.Sort))}
}

// valueOf says how a value is stored, and under which name.
func valueOf(value []byte) (name string, v types.AttributeValue) {
	const longest = len("-9223372036854775808")
	if len(value) <= longest {
		if n, ok := (kv.Row{Value: value}).Counter(); ok {
			return counterAttr, number(n)
		}
	}
	if value == nil {
		value = []byte{}
	}
	return valueAttr, &types.AttributeValueMemberB{Value: value}
}

func itemOf(r kv.Row) item {
	it := keyOf(r.Key)
	name, v := valueOf(r.Value)
	it[name] = v
	if !r.Expires.IsZero() {
		it[expiresAttr] = expiryOf(r)
	}
	return it
}

// expiryOf is the Expires of a row that has one.
func expiryOf(r kv.Row) types.AttributeValue {
	return number(max(r.Expires.Unix(), 1)) // 1 is as long past as any time before it
}

// rowOf reads an item, which may have been written by somebody else. live is false if it has expired at now.
func rowOf(it item, now int64) (r kv.Row, live bool, err error) {
	partition, sort := it[partitionAttr], it[sortAttr]
	var ok [2]bool
	r.Partition, ok[0] = keyText(partition)
	r.Sort, ok[1] = keyText(sort)
	if !ok[0] || !ok[1] {
		return kv.Row{}, false, fmt.Errorf("an item of the table has keys that no row has")
	}
	if stamp, there := it[expiresAttr]; there {
		at, ok := integer(stamp)
		if !ok {
			return kv.Row{}, false, damaged(r.Key, expiresAttr)
		}
		if at <= now {
			return kv.Row{}, false, nil
		}
		r.Expires = time.Unix(at, 0).UTC()
	}
	switch n, isCounter := it[counterAttr]; v := it[valueAttr].(type) {
	case *types.AttributeValueMemberB:
		r.Value = append([]byte{}, v.Value...)
	default:
		count, ok := integer(n)
		if !isCounter || !ok {
			return kv.Row{}, false, damaged(r.Key, valueAttr)
		}
		r.Value = strconv.AppendInt(nil, count, 10)
	}
	return r, true, nil
}

func damaged(k kv.Key, attribute string) error {
	return fmt.Errorf("the item of row %s is none of ours: look at its attribute %q", k, attribute)
}

func keyText(v types.AttributeValue) (string, bool) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return decodeKey(s.Value)
}

func integer(v types.AttributeValue) (int64, bool) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	return i, err == nil
}
