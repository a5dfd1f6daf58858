package packument

// linear is how many keys a table compares one by one before it makes an index:
// more than a manifest has.
const linear = 64

// table collects the members of an object as JavaScript does: of equal keys the
// last counts, in the place of the first.
type table[T any] struct {
	items []T
	keys  []string
	index map[string]int
}

func (t *table[T]) put(key string, v T) {
	if i := t.find(key); i >= 0 {
		t.items[i] = v
		return
	}
	t.items, t.keys = append(t.items, v), append(t.keys, key)
	if t.index != nil {
		t.index[key] = len(t.keys) - 1
	}
}

func (t *table[T]) find(key string) int {
	if len(t.keys) <= linear {
		for i, k := range t.keys {
			if k == key {
				return i
			}
		}
		return -1
	}
	if t.index == nil {
		t.index = make(map[string]int, 4*linear)
		for i, k := range t.keys {
			t.index[k] = i
		}
	}
	if i, ok := t.index[key]; ok {
		return i
	}
	return -1
}
