package lumen

import (
	"encoding/json"
	"reflect"
	"strings"
)

// checkMembers reads one value of a document and refuses members that other readers see otherwise: encoding/json takes "Deps" for
// "deps" and the last of two, the client reads neither. A tree could be verified as one thing and installed as another.
func checkMembers(d *json.Decoder, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch {
	case token == json.Delim('{') && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return checkObject(d, t)
	case token == json.Delim('[') && t.Kind() == reflect.Slice:
		for d.More() {
			if err := checkMembers(d, t.Elem()); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	case token == json.Delim('{') || token == json.Delim('['):
		return skipRest(d)
	}
	return nil
}

// checkObject reads the members of an object and its end.
func checkObject(d *json.Decoder, t reflect.Type) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return refuse("bad_document", "it has the member %.100q twice", key)
		}
		seen[key] = true
		of, err := memberType(t, key)
		if err != nil {
			return err
		}
		if err := checkMembers(d, of); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

var unknown = reflect.TypeFor[string]()

// memberType is the type of a struct's member, or of a map's values; of what is not known it is one without members.
func memberType(t reflect.Type, key string) (reflect.Type, error) {
	if t.Kind() == reflect.Map {
		return t.Elem(), nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == key {
			return f.Type, nil
		}
		if strings.EqualFold(name, key) {
			return nil, refuse("bad_document", "its member %.100q must be written %q", key, name)
		}
	}
	return unknown, nil
}

// skipRest reads to the end of the object or list that was opened.
func skipRest(d *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
