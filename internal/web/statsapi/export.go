package statsapi

import (
	"bytes"
	"encoding/csv"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxExports is how many exports may be under way: each reads all there is.
const maxExports = 2

// retryExport is when to come again while there are that many.
const retryExport = 10 * time.Second

// export sends the downloads of the last days by package, as CSV.
func (a *API) export(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kinds, err := stats.ParseKinds(q.Get("kind"))
	if err != nil {
		return err
	}
	days, err := number(q, "days", timelineDays, stats.MaxDays)
	if err != nil {
		return err
	}
	select {
	case a.exports <- struct{}{}:
		defer func() { <-a.exports }()
	default:
		busy := fault.New(fault.Unavailable, "%d exports are under way already; send the request again later", maxExports).WithCode("too_many_exports")
		busy.Wait = retryExport
		return busy
	}
	next, stop := iter.Pull2(a.Stats.Export(r.Context(), kinds, days))
	defer stop()
	return httpkit.Stream(w, r, newLines(next), httpkit.Content{
		Size: -1, ContentType: "text/csv; charset=utf-8", Filename: filename(time.Now()), Cache: httpkit.PrivateRevalidate,
	})
}

// lines reads as the lines of an export.
type lines struct {
	next func() (stats.Exported, error, bool)
	made bytes.Buffer
	to   *csv.Writer
	err  error // behind what was made
}

func newLines(next func() (stats.Exported, error, bool)) *lines {
	l := &lines{next: next}
	l.to = csv.NewWriter(&l.made)
	l.err = l.to.Write([]string{"date", "kind", "package", "downloads"})
	return l
}

// atOnce is how many bytes of lines are made at a time.
const atOnce = 32 << 10

func (l *lines) Read(p []byte) (int, error) {
	for l.made.Len() < atOnce && l.err == nil {
		row, err, ok := l.next()
		switch {
		case !ok:
			l.err = io.EOF
		case err != nil:
			l.err = err
		default:
			l.err = l.to.Write([]string{row.Date, string(row.Kind), row.Name, strconv.FormatInt(row.Downloads, 10)})
		}
		l.to.Flush() // into memory, which can't fail
	}
	if l.made.Len() == 0 {
		return 0, l.err
	}
	return l.made.Read(p)
}
