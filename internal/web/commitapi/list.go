package commitapi

import (
	"bytes"
	"encoding/json"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/wire"
)

// maxListed bounds what a request may list, before its packages are looked at:
// three bytes of JSON are an empty package of more than a hundred in memory.
const maxListed = 10_000

// list is a bounded JSON array.
type list[T any] []T

// UnmarshalJSON refuses a longer array as fault.TooLarge before it is read whole.
func (l *list[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return json.Unmarshal(text, (*[]T)(l)) // null, or an error that says what it should be
	}
	items := []T{}
	for d.More() {
		if len(items) == maxListed {
			return fault.New(fault.TooLarge, "the request lists more than %d packages", maxListed)
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

// listing is a wire.Publication whose packages are bounded.
type listing struct {
	wire.Publication
	Packages list[wire.Package] `json:"packages"`
}
