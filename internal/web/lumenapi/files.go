package lumenapi

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/web/httpkit"
)

// files lists the tree in the order of an export, one JSON object a line.
func (a *API) files(w http.ResponseWriter, r *http.Request) error {
	next, stop := iter.Pull2(a.Packages.Files(r.Context()))
	defer stop()
	cache := w.Header().Get("Cache-Control") // set where only principals may read
	if cache == "" {
		cache = httpkit.Revalidate
	}
	return httpkit.Stream(w, r, &fileLines{next: next}, httpkit.Content{Size: -1, ContentType: "application/x-ndjson", Cache: cache})
}

// fileLines reads as the lines of files.
type fileLines struct {
	next func() (lumenpackages.File, error, bool)
	made bytes.Buffer
	err  error // behind what was made
}

// atOnce is how many bytes of lines are made at a time.
const atOnce = 32 << 10

func (l *fileLines) Read(p []byte) (int, error) {
	for lines := json.NewEncoder(&l.made); l.made.Len() < atOnce && l.err == nil; {
		file, err, ok := l.next()
		switch {
		case !ok:
			l.err = io.EOF
		case err != nil:
			l.err = err
		default:
			l.err = lines.Encode(file)
		}
	}
	if l.made.Len() == 0 {
		return 0, l.err
	}
	return l.made.Read(p)
}
