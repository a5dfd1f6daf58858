package webui

import (
	"context"
	"html/template"
	"path"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/memo"
	"github.com/org/registry-action/internal/web/markup"
)

const (
	shownReadme = 56 << 10 // bytes of a README's HTML
	readReadme  = 2 << 20  // bytes of one that is read
	keptReadmes = 100
	keepReadme  = time.Hour
)

// readmeView is the content of the fragment "readme".
type readmeView struct {
	Path string // empty: there is none
	URL  string // of its source
	HTML template.HTML
	Cut  bool   // it goes on
	Note string // why it is not shown
}

// readmes renders READMEs, and remembers them: an archive never changes.
type readmes struct {
	render *markup.Renderer
	kept   *memo.Memo[readmeView]
}

func newReadmes() *readmes {
	return &readmes{render: markup.New(), kept: memo.New[readmeView](keptReadmes, time.Now)}
}

// readmeOf renders the README of an archive.
func (u *UI) readmeOf(ctx context.Context, a archive) (readmeView, error) {
	key := a.ID + " " + a.Home
	if v, ok := u.readme.kept.Get(key); ok {
		return v, nil
	}
	l, err := u.Files.List(ctx, a.Source)
	if err != nil {
		return readmeView{}, err
	}
	f, ok := findReadme(l)
	if !ok {
		return readmeView{}, nil
	}
	v := readmeView{Path: f.Path, URL: a.fileURL(f.Path)}
	if f.Size > readReadme {
		v.Note = "The README is too large to be shown."
		return v, nil
	}
	content, err := u.Files.Read(ctx, a.Source, readReadme, f)
	if err != nil {
		return readmeView{}, err
	}
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".md", ".markdown", ".mdown", ".mkd", "":
		v.HTML, v.Cut = u.readme.render.Render(content[f.Path], u.readmeLinks(a, l), shownReadme)
	default:
		v.HTML, v.Cut = markup.Plain(content[f.Path], shownReadme)
	}
	u.readme.kept.Put(key, v, keepReadme)
	return v, nil
}

// readmeLinks lead from a README to the files of its archive.
func (u *UI) readmeLinks(a archive, l *files.Listing) markup.Links {
	return markup.Links{
		File: func(path string) string {
			if _, ok := l.Find(path); !ok {
				return ""
			}
			return u.base + a.fileURL(path)
		},
		Image: func(path string) string {
			if f, ok := l.Find(path); !ok || f.Link != "" || imageType(path) == "" {
				return ""
			}
			return u.base + a.rawURL(path)
		},
	}
}

// readmeNames are in the order in which they are preferred.
var readmeNames = []string{"readme.md", "readme.markdown", "readme", "readme.mdown", "readme.mkd", "readme.txt", "readme.rst"}

func findReadme(l *files.Listing) (found files.File, ok bool) {
	best := len(readmeNames)
	for _, f := range l.Files {
		if strings.Contains(f.Path, "/") || f.Link != "" || f.Size == 0 {
			continue
		}
		for rank, name := range readmeNames[:best] {
			if strings.EqualFold(f.Path, name) {
				found, ok, best = f, true, rank
				break
			}
		}
	}
	return found, ok
}
