package webui

import (
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/domain/files"
)

const (
	filesPerPage = 250
	linesPerPage = 1000
	shownSource  = 36 << 10 // bytes of a page's lines
	shownLine    = 2000     // bytes of a line
	readSource   = 2 << 20  // bytes of a file that is read to be shown
)

// fileList is the content of the fragment "files".
type fileList struct {
	Files []fileRow
	Size  int64 // of all
	More  bool  // the archive has more than are listed
	Pager pager
}

// fileRow is a file in the list.
type fileRow struct {
	files.File
	URL string
}

// listFiles lists the files of an archive, a part for the request's page.
func (u *UI) listFiles(r *http.Request, a archive) (*fileList, error) {
	l, err := u.Files.List(r.Context(), a.Source)
	if err != nil {
		return nil, err
	}
	shown, p := part(r, l.Files, filesPerPage)
	view := &fileList{Size: l.Size, More: l.More, Pager: p}
	for _, f := range shown {
		view.Files = append(view.Files, fileRow{f, a.fileURL(f.Path)})
	}
	return view, nil
}

// sourceView is the content of the fragment "source": a file of an archive.
type sourceView struct {
	files.File
	Raw   string // where its bytes are
	Back  string // the list it is in
	Image bool
	Note  string // why it is not shown, or not all of it
	Lines []sourceLine
	Pager pager
}

// sourceLine is a line with its number from 1.
type sourceLine struct {
	Number int
	Text   string
}

// showSource reads a file of an archive to be shown.
func (u *UI) showSource(r *http.Request, a archive, name string) (*sourceView, error) {
	l, err := u.Files.List(r.Context(), a.Source)
	if err != nil {
		return nil, err
	}
	f, ok := l.Find(name)
	if !ok {
		return nil, noSuchFile(name)
	}
	view := &sourceView{File: f, Raw: a.rawURL(f.Path), Back: a.Home + "/files", Image: imageType(f.Path) != "" && f.Link == ""}
	switch {
	case f.Link != "":
		view.Note = "It is a link to “" + visible(shorten(f.Link, maxChangedValue)) + "”."
		return view, nil
	case view.Image && imageType(f.Path) != imageTypes[".svg"]:
		return view, nil
	case f.Size > readSource:
		view.Note = "It is too large to be shown."
		return view, nil
	}
	content, err := u.Files.Read(r.Context(), a.Source, readSource, f)
	if err != nil {
		return nil, err
	}
	if !files.IsText(content[f.Path]) {
		view.Note = "It is binary."
		return view, nil
	}
	view.fill(r, string(content[f.Path]))
	return view, nil
}

// fill cuts the lines of the request's page out of a text.
func (v *sourceView) fill(r *http.Request, text string) {
	total := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		total++
	}
	from, number, room := min(offset(r), total), 0, shownSource
	for line := range strings.Lines(text) {
		if number++; number <= from {
			continue
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) > shownLine {
			v.Note = "Some lines are too long to be shown to their end."
		}
		line = visible(shorten(line, shownLine))
		if room -= len(line) + lineCost; len(v.Lines) == linesPerPage || room < 0 && len(v.Lines) > 0 {
			break
		}
		v.Lines = append(v.Lines, sourceLine{number, line})
	}
	v.Pager = newPager(from, len(v.Lines), total, linesPerPage)
}

// turners change the direction in which text is written, so that code looks like what it is not.
var turners = strings.NewReplacer("\u202a", "⟦LRE⟧", "\u202b", "⟦RLE⟧", "\u202c", "⟦PDF⟧", "\u202d", "⟦LRO⟧", "\u202e", "⟦RLO⟧",
	"\u2066", "⟦LRI⟧", "\u2067", "⟦RLI⟧", "\u2068", "⟦FSI⟧", "\u2069", "⟦PDI⟧", "\u200e", "⟦LRM⟧", "\u200f", "⟦RLM⟧")

// visible shows what hides in a text.
func visible(text string) string { return turners.Replace(text) }
