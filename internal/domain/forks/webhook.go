package forks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// Delivery is a webhook of the forge's, whose signature was good.
type Delivery struct {
	Event   string
	Payload []byte
}

// What became of a delivery.
const (
	Ignored = "ignored" // nothing here depends on it, or it is too old
	Again   = "again"   // it was taken before
	Taken   = "taken"
)

// rememberFor is how long a delivery is known, and how old one may be: GitHub offers to send it again for three days.
const rememberFor = 4 * 24 * time.Hour

// event is what is read of a payload.
type event struct {
	Action string `json:"action"`
	Number int    `json:"number"`
	Pull   struct {
		ClosedAt  time.Time `json:"closed_at"`
		UpdatedAt time.Time `json:"updated_at"`
	} `json:"pull_request"`
	Repository struct {
		URL string `json:"html_url"`
	} `json:"repository"`
}

// Deliver takes a webhook, once. The previews of a pull request live for as long as it is open, and some days.
// Other events need nothing: whether a run is over, and where a head is, the forge is asked when it matters.
func (s *Service) Deliver(ctx context.Context, d Delivery) (done string, err error) {
	if _, err := s.db.Get(ctx, deliveryKey(d.Payload)); err == nil {
		return Again, nil
	} else if !errors.Is(err, kv.ErrNotFound) {
		return "", err
	}
	if done, err = s.act(ctx, d); err != nil || done == Ignored {
		return done, err
	}
	// After it was done: a delivery that failed comes again, and what is done twice stays as it is.
	row := kv.Row{Key: deliveryKey(d.Payload), Expires: s.now().Add(rememberFor)}
	return done, s.db.Apply(ctx, kv.Put(row))
}

func (s *Service) act(ctx context.Context, d Delivery) (done string, err error) {
	if d.Event != "pull_request" {
		return Ignored, nil
	}
	var e event
	if err := json.Unmarshal(d.Payload, &e); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the webhook's body is no JSON of a pull request; choose the content type application/json").WithCode("invalid_webhook")
	}
	if age := s.now().Sub(e.Pull.UpdatedAt); age > rememberFor { // nobody knows any more whether it was taken
		return Ignored, nil
	}
	path, ours := s.needs.Forge.Split(e.Repository.URL)
	if !ours || e.Number <= 0 || s.needs.Pulls == nil {
		return Ignored, nil
	}
	switch e.Action {
	case "opened", "synchronize":
		return Taken, s.needs.Pulls.Opened(ctx, path, e.Number)
	case "closed":
		at := e.Pull.ClosedAt
		if at.IsZero() {
			at = s.now()
		}
		return Taken, s.needs.Pulls.Closed(ctx, path, e.Number, at)
	case "reopened":
		return Taken, s.needs.Pulls.Reopened(ctx, path, e.Number)
	}
	return Ignored, nil
}
