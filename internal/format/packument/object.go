package packument

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/org/registry-action/internal/fault"
)

// Object is a JSON object whose members keep their order. A copy shares its
// members with the original.
type Object []Member

// Member is a member of an Object.
type Member struct {
	Key   string
	Value json.RawMessage
}

// ParseObject reads a JSON object; of equal keys the last counts, in the place
// of the first, as in JavaScript. The values are parts of text. What is no object
// is fault.Invalid.
func ParseObject(text []byte) (Object, error) {
	o, err := parseObject(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "a JSON object is needed here, but %v", err)
	}
	return o, nil
}

var errNoObject = errors.New("it is not a JSON object")

func parseObject(text []byte) (Object, error) {
	s := &scanner{src: text}
	s.space()
	if s.peek() != '{' {
		return nil, errNoObject
	}
	o := new(reader).object(s)
	return o, s.end()
}

// Get returns a member's value, nil if there is none.
func (o Object) Get(key string) json.RawMessage {
	if i := o.index(key); i >= 0 {
		return o[i].Value
	}
	return nil
}

// Text returns a member that is a string, "" otherwise.
func (o Object) Text(key string) string {
	s, _ := textOf(o.Get(key))
	return s
}

// Set replaces a member in its place, or adds it at the end.
func (o *Object) Set(key string, value json.RawMessage) {
	if i := o.index(key); i >= 0 {
		(*o)[i].Value = value
		return
	}
	*o = append(*o, Member{key, value})
}

// Delete removes a member.
func (o *Object) Delete(key string) {
	*o = slices.DeleteFunc(*o, func(m Member) bool { return m.Key == key })
}

func (o Object) index(key string) int {
	return slices.IndexFunc(o, func(m Member) bool { return m.Key == key })
}

// encode appends the object.
func (o Object) encode(w *writer) {
	w.open()
	for _, m := range o {
		w.member(m)
	}
	w.close()
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	w := &writer{}
	o.encode(w)
	return w.done("an object")
}

// UnmarshalJSON is ParseObject on a copy of the text.
func (o *Object) UnmarshalJSON(text []byte) (err error) {
	*o, err = ParseObject(bytes.Clone(text))
	return err
}
