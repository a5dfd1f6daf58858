package lumentree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// object is a JSON object that keeps the members, and their order, that somebody else wrote.
type object struct{ members []member }

type member struct {
	key   string
	value json.RawMessage
}

func parseObject(text []byte) (o object, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return o, errors.Join(err, errors.New("not a JSON object"))
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return o, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o, err
		}
		o.set(t.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return o, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("something after the JSON object")
	}
	return o, nil
}

func (o *object) set(key string, value json.RawMessage) {
	if i := slices.IndexFunc(o.members, func(m member) bool { return m.key == key }); i >= 0 {
		o.members[i].value = value
		return
	}
	o.members = append(o.members, member{key, value})
}

func (o *object) drop(key string) {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.key == key })
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o.members {
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), m.value...)
	}
	return append(out, '}'), nil
}

// merge writes the members of a document, a struct, over those of a text, and keeps what the document does not know.
func merge(path string, text []byte, document any) ([]byte, error) {
	fields, err := parseObject(lumen.Encode(document))
	if err != nil || text == nil {
		return lumen.Encode(document), err
	}
	out, err := parseObject(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s can't be read: %v", path, err)
	}
	for f := range reflect.TypeOf(document).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if i := slices.IndexFunc(fields.members, func(m member) bool { return m.key == name }); i >= 0 {
			out.set(name, fields.members[i].value)
		} else { // it is empty
			out.drop(name)
		}
	}
	return lumen.Encode(out), nil
}
