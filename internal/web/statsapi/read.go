package statsapi

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The numbers that requests leave out.
const (
	topLimit     = 10
	timelineDays = 30
	isoTime      = "2006-01-02T15:04:05.000Z07:00"
)

// ranked is a package of a ranking.
type ranked struct {
	Name      string     `json:"name"`
	Downloads int64      `json:"downloads"`
	Kind      stats.Kind `json:"kind,omitempty"`
}

func (a *API) top(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kinds, err := stats.ParseKinds(q.Get("kind"))
	if err != nil {
		return err
	}
	period, err := stats.ParsePeriod(q.Get("period"))
	if err != nil {
		return err
	}
	limit, err := number(q, "limit", topLimit, stats.MaxTop)
	if err != nil {
		return err
	}
	member, read := "packages", a.Stats.Top
	switch q.Get("by") {
	case "":
	case "client":
		member, read = "clients", a.Stats.Clients
	default:
		return fault.New(fault.Invalid, "there is no ranking by %.40q; leave \"by\" out, or say client", q.Get("by")).WithCode("invalid_ranking")
	}
	found, err := read(r.Context(), kinds, period, limit)
	if err != nil {
		return err
	}
	list := []ranked{}
	for _, f := range found {
		list = append(list, ranked{f.Name, f.Downloads, f.Kind})
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{member: list})
}

// sums are the downloads of a kind or version.
type sums struct {
	Total   int64 `json:"totalDownloads"`
	Weekly  int64 `json:"weeklyDownloads"`
	Monthly int64 `json:"monthlyDownloads"`
}

// shown is a package.
type shown struct {
	PackageName string `json:"packageName"`
	sums
	VersionDownloads map[string]int64    `json:"versionDownloads"`
	LastDownload     string              `json:"lastDownload,omitempty"`
	Kinds            map[stats.Kind]sums `json:"kinds"`
	Versions         map[string]sums     `json:"versions"`
}

func (a *API) pkg(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	kinds, err := stats.ParseKinds(r.URL.Query().Get("kind"))
	if err != nil {
		return err
	}
	p, err := a.Stats.Package(r.Context(), name, kinds)
	if err != nil {
		return err
	}
	out := shown{PackageName: name, sums: sums(p.Sums), VersionDownloads: map[string]int64{}, Kinds: map[stats.Kind]sums{}, Versions: map[string]sums{}}
	if !p.Last.IsZero() {
		out.LastDownload = p.Last.Format(isoTime)
	}
	for kind, s := range p.Kinds {
		out.Kinds[kind] = sums(s)
	}
	for version, s := range p.Versions {
		out.VersionDownloads[version], out.Versions[version] = s.Total, sums(s)
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

// dayCount is a day of a timeline.
type dayCount struct {
	Date  string `json:"date"`
	Count int64  `json:"count"`
}

func (a *API) timeline(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kinds, err := stats.ParseKinds(q.Get("kind"))
	if err != nil {
		return err
	}
	days, err := number(q, "days", timelineDays, stats.MaxDays)
	if err != nil {
		return err
	}
	line, err := a.Stats.Timeline(r.Context(), r.PathValue("name"), q.Get("version"), kinds, days)
	if err != nil {
		return err
	}
	list := []dayCount{}
	for _, d := range line {
		list = append(list, dayCount(d))
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"packageName": r.PathValue("name"), "timeline": list})
}

// points are the days of npm's periods.
var points = map[string]int{"last-day": 1, "last-week": 7, "last-month": 30, "last-year": 365}

// point answers as npm's API of download counts does; these are of npm packages only.
func (a *API) point(w http.ResponseWriter, r *http.Request) error {
	days, ok := points[r.PathValue("period")]
	if !ok {
		return fault.New(fault.NotFound, "there is no period %.40q; the periods are last-day, last-week, last-month and last-year", r.PathValue("period")).WithCode("invalid_period")
	}
	line, err := a.Stats.Timeline(r.Context(), r.PathValue("name"), "", []stats.Kind{stats.NPM}, days)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, d := range line {
		sum += d.Count
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{
		"downloads": sum, "start": line[0].Date, "end": line[len(line)-1].Date, "package": r.PathValue("name"),
	})
}

// number reads a number of a query, from 1 to most.
func number(q url.Values, name string, missing, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fault.New(fault.Invalid, "%s %.40q is not a number from 1 to %d", name, text, most).WithCode("invalid_number")
	}
	return n, nil
}

// filename is that of an export.
func filename(now time.Time) string { return "downloads-" + now.UTC().Format(time.DateOnly) + ".csv" }
