package stats

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/org/registry-action/internal/fault"
)

// maxEvents is how many events one request may report.
const maxEvents = 1000

// Event is what a client reports.
type Event struct {
	Package  string `json:"packageName"`
	Category string `json:"category"`
	Version  string `json:"version"`
}

// reportedDownload is a category that Pantry knows. Such an event is taken, but not counted: what was downloaded from
// this server it has seen itself.
const reportedDownload = "download"

// Reporter is who reports events.
type Reporter interface {
	Anonymous() bool // nobody is known to report
}

// ParseEvents reads an event, or an array of them.
func ParseEvents(text []byte) ([]Event, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("[")) {
		e, err := parseEvent(text)
		return []Event{e}, err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, invalidEvent(err)
	}
	if len(raw) > maxEvents {
		return nil, fault.New(fault.Invalid, "%d events are more than the %d that a request may report; send several requests", len(raw), maxEvents).WithCode("too_many_events")
	}
	events := make([]Event, 0, len(raw))
	for i, one := range raw {
		e, err := parseEvent(one)
		if err != nil {
			if public, ok := fault.Public(err); ok && len(raw) > 1 {
				err = fault.Wrap(err, fault.Invalid, "%s (event %d of %d; none was taken)", public.Message, i+1, len(raw)).WithCode(public.Code)
			}
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

func invalidEvent(err error) error {
	return fault.Wrap(err, fault.Invalid, "Invalid JSON body: an event is an object such as {\"packageName\": \"a\", \"category\": \"install\", \"version\": \"1.0.0\"}, with texts").WithCode("invalid_json")
}

// The texts of an event. Names are also those that Pantry's other packages have, such as github.com/cli/cli.
var (
	eventName    = regexp.MustCompile(`^@?[a-zA-Z0-9][a-zA-Z0-9._~+-]*(/[a-zA-Z0-9][a-zA-Z0-9._~+-]*)*$`)
	eventVersion = regexp.MustCompile(`^[a-zA-Z0-9._+~-]{1,128}$`)
)

func parseEvent(text []byte) (e Event, err error) {
	if !bytes.HasPrefix(text, []byte("{")) {
		return e, invalidEvent(nil)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, invalidEvent(err)
	}
	switch {
	case e.Package == "":
		return e, fault.New(fault.Invalid, "packageName is required: name the package that the event is about").WithCode("invalid_name")
	case len(e.Package) > maxName || !eventName.MatchString(e.Package):
		return e, fault.New(fault.Invalid, "Invalid package name: %.230q can't be the name of a package", e.Package).WithCode("invalid_name")
	case e.Version != "" && !eventVersion.MatchString(e.Version):
		return e, fault.New(fault.Invalid, "Invalid version: %.80q can't be a version", e.Version).WithCode("invalid_version")
	case e.Category != reportedDownload && !slices.Contains(Events(), Kind(e.Category)):
		return e, fault.New(fault.Invalid, "Invalid category: %.40q is none of %s, %s", e.Category, list(Events()), reportedDownload).WithCode("invalid_category")
	}
	return e, nil
}

// noVersion stands for the version that an event does not name.
const noVersion = "-"

// maxEventsWaiting is up to how many counts that wait events are taken. Behind them there is room for downloads, which
// clients must not be able to push out by what they make up.
const maxEventsWaiting = maxWaiting / 2

// Record counts events. They are never added to downloads, whoever reports them.
func (s *Service) Record(who Reporter, events []Event) error {
	if who.Anonymous() {
		return fault.New(fault.Unauthenticated, "Authorization required: events are taken from whoever has a token; send one as Authorization: Bearer <token>")
	}
	now := s.opt.Now().Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order)+len(events) > maxEventsWaiting {
		busy := fault.New(fault.Unavailable, "too many counts wait to be written; send the events again later").WithCode("busy")
		busy.Wait = flushEvery
		return busy
	}
	for _, e := range events {
		if e.Category == reportedDownload {
			continue
		}
		version := e.Version
		if version == "" {
			version = noVersion
		}
		s.countLocked(Kind(e.Category), e.Package, version, "", now)
	}
	return nil
}
