package packument

import (
	"bytes"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

func newPerson(o Object) Person {
	var p Person
	for _, m := range o {
		switch text, _ := textOf(m.Value); {
		case m.Key == "name" && text != "":
			p.Name = text
		case m.Key == "email" && text != "":
			p.Email = text
		default:
			p.Other = append(p.Other, m)
		}
	}
	return p
}

// User is somebody with an account here. Clients print an e-mail address, as
// "undefined" where there is no such member, so it has an empty one.
func User(name string) Person {
	return Person{Name: name, Other: Object{{"email", appendText(nil, "")}}}
}

// parsePerson reads "name <email> (url)" as npm does.
func parsePerson(s string) Person {
	var p Person
	if i := strings.IndexAny(s, "(<"); i >= 0 {
		p.Name = strings.TrimSpace(s[:i])
	} else {
		p.Name = strings.TrimSpace(s)
	}
	p.Email = between(s, "<", ">")
	if url := between(s, "(", ")"); url != "" {
		p.Other = Object{{"url", appendText(nil, url)}}
	}
	return p
}

// between is the first text between two marks that has neither of them.
func between(s, open, closing string) string {
	for {
		_, rest, ok := strings.Cut(s, open)
		if !ok {
			return ""
		}
		end := strings.IndexAny(rest, open+closing)
		if end > 0 && rest[end:end+1] == closing {
			return rest[:end]
		}
		s = rest
	}
}

// person reads an object or a text.
func (r *reader) person(raw []byte) (Person, bool) {
	if o, ok := r.objectOf(raw); ok {
		return newPerson(o), true
	}
	if s, ok := textOf(raw); ok && s != "" {
		return parsePerson(s), true
	}
	return Person{}, false
}

// persons reads a list of persons or a single one; complete is whether nothing
// else was in it.
func (r *reader) persons(raw []byte) (list []Person, complete bool) {
	if len(raw) == 0 || raw[0] != '[' {
		p, ok := r.person(raw)
		if !ok {
			return nil, false
		}
		return []Person{p}, true
	}
	s := &scanner{src: raw}
	complete = true
	for range s.elements {
		if p, ok := r.person(s.raw()); ok {
			list = append(list, p)
		} else {
			complete = false
		}
	}
	return list, complete
}

func (p Person) encode(w *writer) {
	w.open()
	w.textIf("name", p.Name)
	w.textIf("email", p.Email)
	for _, m := range p.Other {
		if m.Key == "name" && p.Name != "" || m.Key == "email" && p.Email != "" {
			continue
		}
		w.member(m)
	}
	w.close()
}

// MarshalJSON writes an object.
func (p Person) MarshalJSON() ([]byte, error) {
	w := &writer{}
	p.encode(w)
	return w.done("a person")
}

// UnmarshalJSON reads an object or a text.
func (p *Person) UnmarshalJSON(text []byte) error {
	got, ok := new(reader).person(bytes.Clone(text))
	if !ok {
		return fault.New(fault.Invalid, "a person is an object with a name, or a text, and not %.40q", text)
	}
	*p = got
	return nil
}
