package packument

import "slices"

// reader makes objects of what a scanner reads. One reader for a whole document
// uses the same buffers for all of them, and the same string for equal keys:
// manifests have the same few. Its zero value works.
type reader struct {
	items []Member
	keys  []string
	known map[string]string
}

// object reads the object at the scanner's position.
func (r *reader) object(s *scanner) Object {
	t := table[Member]{items: r.items[:0], keys: r.keys[:0]}
	for key := range s.members {
		m := Member{r.intern(key), s.raw()}
		t.put(m.Key, m)
	}
	r.items, r.keys = t.items, t.keys
	return slices.Clone(t.items)
}

func (r *reader) intern(key []byte) string {
	const most = 256
	if k, ok := r.known[string(key)]; ok {
		return k
	}
	k := string(key)
	if r.known != nil && len(r.known) < most {
		r.known[k] = k
	}
	return k
}

// objectOf is the value of a member that is an object.
func (r *reader) objectOf(raw []byte) (Object, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	s := &scanner{src: raw}
	o := r.object(s)
	return o, s.end() == nil
}
