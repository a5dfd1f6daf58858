package catalog

import (
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/packument"
)

// A store may show a new revision before the rest of what it means. What was
// rendered then is shown for Settle and no longer, and what comes after it stays.
func TestDocumentsOfNewRevisions(t *testing.T) {
	w := newWorld(t, setup{settle: time.Second})
	w.publish("lib", "1.0.0")
	w.text(mainRoot, "lib", packument.Full)
	whole := describe("lib", "1.0.0", "1.1.0")
	half := describe("lib", "1.0.0")
	half.Rev, whole.Rev = "new", "new"

	w.releases.packages["lib"] = half
	w.shows(mainRoot, "lib", 1)
	w.releases.packages["lib"] = whole
	w.clock = w.clock.Add(999 * time.Millisecond)
	w.shows(mainRoot, "lib", 1)
	w.clock = w.clock.Add(time.Millisecond)
	w.shows(mainRoot, "lib", 2)
	rendered := w.releases.renders
	w.clock = w.clock.Add(time.Hour)
	w.shows(mainRoot, "lib", 2)
	if w.releases.renders != rendered {
		t.Error("a document of a settled revision was rendered once more")
	}
}

func TestPreviewsOfNewRevisions(t *testing.T) {
	w := newWorld(t, setup{settle: time.Second})
	w.publish("lib", "1.0.0")
	w.preview("lib", refs, older)
	w.shows(previewRoot, "lib", 2)
	revision := w.previews.revisions["acme/app"]
	w.preview("lib", refs, older, newer)
	w.previews.revisions["acme/app"] = revision
	w.clock = w.clock.Add(time.Second)
	w.shows(previewRoot, "lib", 3)
}

func (w *world) shows(root Root, name string, versions int) {
	w.t.Helper()
	if d, _ := w.decode(root, name, packument.Full); len(d.Versions) != versions {
		w.t.Errorf("%s shows %d versions, want %d", name, len(d.Versions), versions)
	}
}
