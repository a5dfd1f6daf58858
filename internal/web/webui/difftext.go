package webui

import (
	"context"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/textdiff"
)

// contextLines are shown around a change.
const contextLines = 3

// textChange is a file compared line by line.
type textChange struct {
	Path           string
	What           string
	Added, Removed int
	Hunks          []textdiff.Hunk
	Note           string // why there are none, or not all
	URL            string // of the page that shows it alone
}

// compareTexts compares the changed files that are text line by line, as many as a page can show; or only one.
// more says that there are others.
func (u *UI) compareTexts(ctx context.Context, before, after *files.Source, changes []fileChange, only string) (texts []textChange, more bool, err error) {
	wanted, limit := pickTexts(changes, only), shownDiff
	if only != "" {
		if limit = shownFileDiff; len(wanted) == 0 {
			return nil, false, fault.New(fault.NotFound, "%.300q is no file that changed", only).WithCode("no_such_file")
		}
	}
	var olds, news []files.File
	for _, c := range wanted {
		if c.small() {
			olds, news = append(olds, c.Before), append(news, c.After)
		}
	}
	was, err := u.readOf(ctx, before, olds)
	if err != nil {
		return nil, false, err
	}
	is, err := u.readOf(ctx, after, news)
	if err != nil {
		return nil, false, err
	}
	for _, c := range wanted {
		t := textChange{Path: c.Path(), What: c.What, URL: c.URL}
		t.fill(c, was[c.Path()], is[c.Path()])
		if only == "" && t.Note != "" {
			continue // the table says that it changed
		}
		if limit = t.cut(limit); limit <= 0 && only == "" {
			if len(t.Hunks) > 0 {
				texts = append(texts, t)
			}
			return texts, true, nil
		}
		texts = append(texts, t)
	}
	return texts, only == "" && len(wanted) < len(changes), nil
}

// pickTexts chooses the files to read: one, or the first that are not too large together.
func pickTexts(changes []fileChange, only string) []fileChange {
	var picked []fileChange
	var bytes int64
	for _, c := range changes {
		if only != "" {
			if c.Path() == only {
				return []fileChange{c}
			}
			continue
		}
		if !c.small() {
			continue
		}
		if bytes += max(c.Before.Size, c.After.Size); bytes > diffedAll || len(picked) == shownChanges {
			break
		}
		picked = append(picked, c)
	}
	return picked
}

func (c fileChange) small() bool {
	return c.Before.Size <= diffedFile && c.After.Size <= diffedFile && c.Before.Link == "" && c.After.Link == ""
}

// fill compares two contents.
func (t *textChange) fill(c fileChange, was, is []byte) {
	switch {
	case c.Before.Link != "" || c.After.Link != "":
		t.Note = "A link: it was “" + c.Before.Link + "” and is “" + c.After.Link + "”."
	case !c.small():
		t.Note = "The file is too large to be compared line by line."
	case !files.IsText(was) || !files.IsText(is):
		t.Note = "The file is binary."
	default:
		d := textdiff.Unified(string(was), string(is), contextLines)
		t.Added, t.Removed, t.Hunks = d.Added, d.Removed, d.Hunks
		if len(t.Hunks) == 0 {
			t.Note = "Only the mode of the file changed."
		}
	}
}

// lineCost is what the HTML around a line takes.
const lineCost = 60

// cut drops the hunks that have no room, and returns the room that is left.
func (t *textChange) cut(room int) int {
	for i, h := range t.Hunks {
		for j, l := range h.Lines {
			if room -= len(l.Text) + lineCost; room >= 0 {
				continue
			}
			t.Hunks = t.Hunks[:i+1]
			t.Hunks[i].Lines = h.Lines[:j]
			if j == 0 {
				t.Hunks = t.Hunks[:i]
			}
			t.Note = "The rest of the changes is too long to be shown here."
			return 0
		}
	}
	return room
}
