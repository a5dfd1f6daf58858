package statsapi

import (
	"io"
	"net/http"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/web/httpkit"
)

// maxEvents is how many bytes of events are read.
const maxEvents = 256 << 10

// events takes what clients report, as Pantry's sends it: one event, or an array of them.
func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "report events", "", "")
	who, err := a.Principal(r)
	if err != nil {
		return err
	}
	if err := a.Stats.Record(who, nil); err != nil { // before anything is read
		return err
	}
	body, err := httpkit.Body(w, r, maxEvents)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	events, err := stats.ParseEvents(text)
	if err != nil {
		return err
	}
	if err := a.Stats.Record(who, events); err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"success": true})
}
