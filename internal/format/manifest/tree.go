package manifest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

type kind int

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	arrayKind
	objectKind
)

// String names the kind for errors.
func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// value is a JSON value that remembers its text. Objects are rendered from
// their members, everything else from raw.
type value struct {
	kind     kind
	offset   int
	raw      []byte
	object   *object  // set for objects only
	elements []*value // set for arrays only, to be read
}

// object keeps every byte between its braces, so that what isn't edited comes
// out as it went in.
type object struct {
	members []*member
	tail    []byte // from the last value to the brace
}

// member is `gap "name" colon value`.
type member struct {
	gap   []byte // from the brace or the previous value, comma included
	name  []byte // quoted
	key   string
	colon []byte
	value *value
	end   int
}

func (v *value) append(dst []byte) []byte {
	if v.object == nil {
		return append(dst, v.raw...)
	}
	dst = append(dst, '{')
	for _, m := range v.object.members {
		dst = append(append(append(dst, m.gap...), m.name...), m.colon...)
		dst = m.value.append(dst)
	}
	return append(append(dst, v.object.tail...), '}')
}

// index of the member that JSON.parse would see: the last of that name, or -1.
func (o *object) index(key string) int {
	for i := len(o.members) - 1; i >= 0; i-- {
		if o.members[i].key == key {
			return i
		}
	}
	return -1
}

// get returns the value of key, nil if there is none. A nil object has none.
func (o *object) get(key string) *value {
	if o == nil {
		return nil
	}
	if i := o.index(key); i >= 0 {
		return o.members[i].value
	}
	return nil
}

// sub returns the object under key, or nil.
func (o *object) sub(key string) *object {
	if v := o.get(key); v != nil {
		return v.object
	}
	return nil
}

// set replaces the value of key, or adds it at the end.
func (o *object) set(key string, v *value) {
	if i := o.index(key); i >= 0 {
		o.members[i].value = v
		return
	}
	o.insert(len(o.members), key, v)
}

// insert adds a member at i in the layout of its neighbours.
func (o *object) insert(i int, key string, v *value) {
	m := &member{name: quote(key), key: key, colon: []byte(": "), value: v}
	if len(o.members) > 0 {
		first := o.members[0]
		m.gap, m.colon = append([]byte{','}, first.gap...), first.colon
		if len(o.members) > 1 {
			m.gap = o.members[1].gap
		}
		if i == 0 {
			m.gap, first.gap = first.gap, m.gap
		}
	}
	o.members = slices.Insert(o.members, i, m)
}

// remove deletes every member called key.
func (o *object) remove(key string) {
	for i := o.index(key); i >= 0; i = o.index(key) {
		if i == 0 && len(o.members) > 1 {
			o.members[1].gap = o.members[0].gap
		}
		if o.members = slices.Delete(o.members, i, i+1); len(o.members) == 0 {
			o.tail = nil
		}
	}
}

// indent is the white space that o's lines begin with, if it has lines.
func (o *object) indent() (string, bool) {
	if len(o.members) == 0 {
		return "", false
	}
	_, indent, ok := bytes.Cut(o.members[0].gap, []byte{'\n'})
	return string(indent[bytes.LastIndexByte(indent, '\n')+1:]), ok
}

// moved copies a value out of one object for use in another, its lines
// indented anew. Strings hold no line ends, so every line is layout.
func (v *value) moved(from, to *object) *value {
	text := string(v.append(nil))
	before, ok := from.indent()
	if after, ok2 := to.indent(); ok && ok2 {
		text = strings.ReplaceAll(text, "\n"+before, "\n"+after)
	}
	return leaf(v.kind, text)
}

func leaf(k kind, raw string) *value { return &value{kind: k, raw: []byte(raw)} }

func stringValue(s string) *value { return &value{kind: stringKind, raw: quote(s)} }

// quote writes s as JSON.stringify does: "<" and the like are not escaped.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
