package packument

import (
	"errors"
	"fmt"

	"github.com/org/registry-action/internal/fault"
)

// Parse reads a full or abbreviated packument. It refuses what is no packument
// of the given name as fault.Invalid; a version that is no object is left out,
// and so are members of the package whose type is not that of Packument's.
func Parse(text []byte, name string) (*Packument, error) {
	p, err := parse(text, name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the packument of %.230q can't be read: %v", name, err)
	}
	return p, nil
}

func parse(text []byte, name string) (*Packument, error) {
	s := &scanner{src: text}
	s.space()
	if s.peek() != '{' {
		return nil, errNoObject
	}
	r := &reader{known: map[string]string{}}
	p := &Packument{Name: name}
	var other table[Member]
	var named string
	for key := range s.members {
		switch string(key) {
		case "name":
			named, _ = textOf(s.raw())
		case "_id":
		case "_rev":
			p.Rev, _ = textOf(s.raw())
		case "dist-tags":
			p.DistTags, _ = r.texts(s)
		case "versions":
			p.Versions = r.versions(s, name)
		case "time":
			p.Time, p.otherTimes = r.texts(s)
		case "maintainers":
			p.Maintainers, _ = r.persons(s.raw())
		case "readme":
			p.Readme, _ = textOf(s.raw())
		case "users":
			p.Users = r.users(s)
		default:
			k := string(key)
			other.put(k, Member{k, s.raw()})
		}
	}
	p.Other = other.items
	if err := s.end(); err != nil {
		return nil, err
	}
	return p, checkName(named, name)
}

func checkName(got, want string) error {
	switch got {
	case want:
		return nil
	case "":
		return errors.New("it has no name")
	}
	return fmt.Errorf("its name is %.230q", got)
}

// texts reads an object of strings; others are the members that are none.
func (r *reader) texts(s *scanner) (texts map[string]string, others Object) {
	for _, m := range r.object(s) {
		if v, ok := textOf(m.Value); !ok {
			others = append(others, m)
		} else {
			if texts == nil {
				texts = map[string]string{}
			}
			texts[m.Key] = v
		}
	}
	return texts, others
}

func (r *reader) users(s *scanner) (users map[string]bool) {
	for _, m := range r.object(s) {
		if v := string(m.Value); v == "true" || v == "false" {
			if users == nil {
				users = map[string]bool{}
			}
			users[m.Key] = v == "true"
		}
	}
	return users
}

func (r *reader) versions(s *scanner, name string) []Version {
	var all table[*Version]
	for key := range s.members {
		version := string(key)
		if s.peek() != '{' {
			all.put(version, nil)
			continue
		}
		v := r.version(name, version, r.object(s))
		all.put(version, &v)
	}
	versions := make([]Version, 0, len(all.items))
	for _, v := range all.items {
		if v != nil {
			versions = append(versions, *v)
		}
	}
	return versions
}
