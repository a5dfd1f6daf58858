package npmapi

import (
	"bytes"
	"encoding/json"

	"github.com/org/registry-action/internal/fault"
)

// maxMembers bounds each object and list of a body before it is looked at: a few
// bytes of JSON are many of memory. No package of the public registry has as many versions.
const maxMembers = 50_000

// object is a bounded JSON object.
type object[T any] map[string]T

// UnmarshalJSON refuses a larger object as fault.TooLarge before it is read whole.
func (o *object[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return json.Unmarshal(text, (*map[string]T)(o)) // null, or an error that says what it should be
	}
	members := map[string]T{}
	for n := 0; d.More(); n++ {
		if n == maxMembers {
			return tooMany()
		}
		key, err := d.Token()
		if err != nil {
			return err
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		members[key.(string)] = v
	}
	*o = members
	return nil
}

// list is a bounded JSON array.
type list[T any] []T

// UnmarshalJSON refuses a longer array as fault.TooLarge before it is read whole.
func (l *list[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return json.Unmarshal(text, (*[]T)(l))
	}
	items := []T{}
	for d.More() {
		if len(items) == maxMembers {
			return tooMany()
		}
		var item T
		if err := d.Decode(&item); err != nil {
			return err
		}
		items = append(items, item)
	}
	*l = items
	return nil
}

func tooMany() error {
	return fault.New(fault.TooLarge, "the body has an object or a list of more than %d members", maxMembers)
}
