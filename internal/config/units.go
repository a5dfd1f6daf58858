package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size in bytes, written as a whole number with or without a unit:
// kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB powers of 1024.
type Bytes int64

// units are in the order in which String tries them.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
	}
}

type unit struct {
	name string
	size int64
}

// UnmarshalText reads a size. Units may be in any case.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	name := strings.TrimSpace(s[len(digits):])
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return fmt.Errorf("%.40q is not a size in bytes such as 100MiB, 1GB or 4096", s)
	}
	if name == "" {
		*b = Bytes(n)
		return nil
	}
	for _, u := range units() {
		if !strings.EqualFold(u.name, name) {
			continue
		}
		if n > uint64(math.MaxInt64/u.size) {
			return fmt.Errorf("%.40q is more bytes than can be counted", s)
		}
		*b = Bytes(int64(n) * u.size)
		return nil
	}
	return fmt.Errorf("%.40q: %.20q is not a unit of bytes; write MB for 1000², MiB for 1024², and so on", s, name)
}

// String gives b in the largest unit that divides it.
func (b Bytes) String() string {
	for _, u := range units() {
		if b != 0 && int64(b)%u.size == 0 && u.size > 1 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Duration is a length of time, not negative, written as Go does ("1h30m")
// with days ("90d", "1d12h") in front.
type Duration time.Duration

const day = 24 * time.Hour

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	bad := fmt.Errorf("%.40q is not a duration such as 90d, 12h or 1m30s", s)
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > uint64(math.MaxInt64/day) {
		return bad
	}
	var clock time.Duration
	if rest != "" || !found {
		if clock, err = time.ParseDuration(rest); err != nil || clock < 0 || rest[0] == '+' || rest[0] == '-' {
			return bad
		}
	}
	whole := time.Duration(n) * day
	if clock > math.MaxInt64-whole {
		return bad
	}
	*d = Duration(whole + clock)
	return nil
}

// String gives d with days, leaving out what is zero.
func (d Duration) String() string {
	days, clock := time.Duration(d)/day, time.Duration(d)%day
	if clock == 0 && days == 0 {
		return "0s"
	}
	var out string
	if days > 0 {
		out = strconv.FormatInt(int64(days), 10) + "d"
	}
	if clock == 0 {
		return out
	}
	text := clock.String()
	if before, ok := strings.CutSuffix(text, "m0s"); ok {
		text = before + "m"
	}
	if before, ok := strings.CutSuffix(text, "h0m"); ok {
		text = before + "h"
	}
	return out + text
}
