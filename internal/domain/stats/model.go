package stats

import (
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// Kind is what is counted: downloads of packages of one protocol, or what clients report.
type Kind string

// The kinds of downloads, which this server sees itself.
const (
	NPM    Kind = "npm"
	Commit Kind = "commit"
	Zig    Kind = "zig"
	Lumen  Kind = "lumen"
)

// The kinds of events, which clients report; they are never added to downloads.
const (
	Install          Kind = "install"
	InstallOnRequest Kind = "install_on_request"
	BuildError       Kind = "build_error"
)

// Downloads are the kinds of downloads.
func Downloads() []Kind { return []Kind{NPM, Commit, Zig, Lumen} }

// Events are the kinds of events.
func Events() []Kind { return []Kind{Install, InstallOnRequest, BuildError} }

// ParseKinds reads the kinds that a request names, separated by commas; none: those of downloads.
func ParseKinds(text string) ([]Kind, error) {
	if text == "" {
		return Downloads(), nil
	}
	known := append(Downloads(), Events()...)
	var kinds []Kind
	for part := range strings.SplitSeq(text, ",") {
		k := Kind(part)
		if !slices.Contains(known, k) {
			return nil, fault.New(fault.Invalid, "there is no kind %.40q; the kinds are %s", part, list(known)).WithCode("invalid_kind")
		}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}

func list(kinds []Kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = string(k)
	}
	return strings.Join(texts, ", ")
}

// Period is how far back a sum goes. Days are those of UTC; today is one of them.
type Period string

// The periods.
const (
	Ever  Period = "all"
	Day   Period = "day"
	Week  Period = "week"  // 7 days
	Month Period = "month" // 30 days
)

// The days of the longer periods.
const (
	weekDays  = 7
	monthDays = 30
)

// ParsePeriod reads a period; none is all there is.
func ParsePeriod(text string) (Period, error) {
	switch p := Period(text); p {
	case "":
		return Ever, nil
	case Ever, Day, Week, Month:
		return p, nil
	}
	return "", fault.New(fault.Invalid, "there is no period %.40q; the periods are day, week (7 days), month (30 days) and all", text).WithCode("invalid_period")
}

// days is how many days a period has; 0: all there are.
func (p Period) days() int {
	switch p {
	case Day:
		return 1
	case Week:
		return weekDays
	case Month:
		return monthDays
	}
	return 0
}

// How long rows are kept; sums of packages are for ever, but for those of events.
const (
	dailyLife  = 400 * 24 * time.Hour // what counts a day; from the last day on, the sums of events and of versions of commits
	recentLife = 40 * 24 * time.Hour  // what counts a version on a day
	writerLife = 7 * 24 * time.Hour
)

// day is a day of UTC, as a number of days since 1970.
type day int32

const secondsOfDay = 24 * 60 * 60

func dayOf(t time.Time) day { return day(t.Unix() / secondsOfDay) }

func (d day) start() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// String is the day as 2006-01-02.
func (d day) String() string { return d.start().Format(time.DateOnly) }

// until is when a row about the day is forgotten.
func (d day) until(life time.Duration) time.Time { return d.start().Add(life) }
