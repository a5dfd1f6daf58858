package packument

import (
	"regexp"
	"strings"
)

// normalizeText gives what people and search read one form each.
func (o *Object) normalizeText() {
	o.change("repository", repository)
	o.change("keywords", keywords)
	o.change("author", personObject)
	o.change("contributors", func(raw []byte) []byte {
		if raw[0] != '[' {
			return raw
		}
		b := []byte{'['}
		s := &scanner{src: raw}
		for range s.elements {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(b, personObject(s.raw())...)
		}
		return append(b, ']')
	})
}

// personObject makes a person that is a text an object.
func personObject(raw []byte) []byte {
	text, ok := textOf(raw)
	if !ok || text == "" {
		return raw
	}
	w := &writer{}
	parsePerson(text).encode(w)
	return w.b
}

func keywords(raw []byte) []byte {
	switch raw[0] {
	case '[':
		return appendTexts(nil, texts(raw))
	case '"':
		text, _ := textOf(raw)
		var list []string
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, word)
			}
		}
		return appendTexts(nil, list)
	}
	return nil
}

// The forms of a repository that npm rewrites to one: "acme/a", "github:acme/a",
// "https://github.com/acme/a"; a "#branch" may follow.
var (
	shorthand = regexp.MustCompile(`^(?:(github|gitlab|bitbucket):)?(\w[\w.-]*)/([\w.-]+?)(?:\.git)?(#.+)?$`)
	hosted    = regexp.MustCompile(`^(?:git\+)?https://(?:www\.)?(github\.com|gitlab\.com|bitbucket\.org)/([\w.-]+)/([\w.-]+?)(?:\.git)?/?(#.+)?$`)
)

// repository makes a text an object, and its URL one that git understands.
func repository(raw []byte) []byte {
	if text, ok := textOf(raw); ok && text != "" {
		raw = Object{{"type", []byte(`"git"`)}, {"url", appendText(nil, text)}}.encoded()
	}
	o, ok := new(reader).objectOf(raw)
	if !ok {
		return raw
	}
	if url := o.Text("url"); url != "" {
		o.Set("url", appendText(nil, gitURL(url)))
	}
	return o.encoded()
}

func gitURL(url string) string {
	host := ""
	m := hosted.FindStringSubmatch(url)
	if m != nil {
		host = m[1]
	} else if m = shorthand.FindStringSubmatch(url); m != nil {
		switch m[1] {
		case "", "github":
			host = "github.com"
		case "gitlab":
			host = "gitlab.com"
		case "bitbucket":
			host = "bitbucket.org"
		}
	} else {
		return url
	}
	return "git+https://" + host + "/" + m[2] + "/" + m[3] + ".git" + m[4]
}
