package webui

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/fault"
)

const (
	chartDays   = 30
	chartWidth  = 300 // units of the picture
	chartHeight = 60
	slowChart   = time.Second // a page does without it after that
)

// chart is the content of the fragment "chart": downloads by day.
type chart struct {
	Label         string
	Total, Weekly int64
	Width, Height int
	Bars          []chartBar
}

// chartBar is a day.
type chartBar struct {
	Date                string
	Count               int64
	X, Y, Width, Height int
}

// chartOf draws the downloads of a name, or of one version of it. A page can do without: nil if they can't be had.
func (u *UI) chartOf(ctx context.Context, label, name, version string, kinds ...stats.Kind) *chart {
	ctx, cancel := context.WithTimeout(ctx, slowChart)
	defer cancel()
	days, err := u.Stats.Timeline(ctx, name, version, kinds, chartDays)
	if err != nil {
		if !errors.Is(err, fault.NotFound) {
			u.Log.WarnContext(ctx, "reading the downloads of a package", "package", name, "err", err)
		}
		return nil
	}
	return drawChart(label, days)
}

func drawChart(label string, days []stats.DayCount) *chart {
	if len(days) == 0 {
		return nil
	}
	c := &chart{Label: label, Width: chartWidth, Height: chartHeight}
	var most int64 = 1
	for _, d := range days {
		most = max(most, d.Count)
	}
	step := chartWidth / len(days)
	for i, d := range days {
		high := int(d.Count * chartHeight / most)
		if d.Count > 0 {
			high = max(high, 1)
		}
		c.Bars = append(c.Bars, chartBar{d.Date, d.Count, i * step, chartHeight - high, max(step-2, 1), high})
		c.Total += d.Count
		if len(days)-i <= 7 {
			c.Weekly += d.Count
		}
	}
	return c
}
