package config_test

import (
	"testing"
	"time"

	"github.com/org/registry-action/internal/config"
)

func TestBytes(t *testing.T) {
	tests := []struct {
		in   string
		want config.Bytes // -1: refused
		text string
	}{
		{"0", 0, "0"}, {"1", 1, "1"}, {"4096", 4096, "4KiB"}, {"100MiB", 100 << 20, "100MiB"}, {"1GB", 1e9, "1GB"},
		{" 500 mib ", 500 << 20, "500MiB"}, {"7B", 7, "7"}, {"1kb", 1000, "1kB"}, {"8388607TiB", 8388607 << 40, "8388607TiB"},
		{"1500kB", 1500000, "1500kB"}, {"9223372036854775807", 1<<63 - 1, "9223372036854775807"},
		{"8388608TiB", -1, ""}, {"9223372036854775808", -1, ""}, {"100M", -1, ""}, {"1.5GiB", -1, ""}, {"-1", -1, ""}, {"", -1, ""},
		{"MiB", -1, ""}, {"1e3", -1, ""}, {"0x10", -1, ""}, {"1_000", -1, ""},
	}
	for _, tt := range tests {
		var b config.Bytes
		err := b.UnmarshalText([]byte(tt.in))
		if refused := tt.want < 0; refused != (err != nil) {
			t.Errorf("%q = %d, %v", tt.in, b, err)
		} else if !refused && (b != tt.want || b.String() != tt.text) {
			t.Errorf("%q = %d %q, want %d %q", tt.in, b, b, tt.want, tt.text)
		}
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // -1: refused
		text string
	}{
		{"90d", 90 * 24 * time.Hour, "90d"}, {"12h", 12 * time.Hour, "12h"}, {"1d12h", 36 * time.Hour, "1d12h"}, {"36h", 36 * time.Hour, "1d12h"},
		{"1m30s", 90 * time.Second, "1m30s"}, {"0", 0, "0s"}, {"0d", 0, "0s"}, {"10m", 10 * time.Minute, "10m"}, {"90m", 90 * time.Minute, "1h30m"},
		{"100ms", 100 * time.Millisecond, "100ms"}, {" 1d ", 24 * time.Hour, "1d"}, {"1d1s", 24*time.Hour + time.Second, "1d1s"},
		{"", -1, ""}, {"d", -1, ""}, {"90", -1, ""}, {"-1h", -1, ""}, {"-1d", -1, ""}, {"1d-1h", -1, ""}, {"1.5d", -1, ""}, {"106752d", -1, ""},
		{"106751d24h", -1, ""}, {"90days", -1, ""}, {"1d1d", -1, ""},
	}
	for _, tt := range tests {
		var d config.Duration
		err := d.UnmarshalText([]byte(tt.in))
		if refused := tt.want < 0; refused != (err != nil) {
			t.Errorf("%q = %s, %v", tt.in, d, err)
		} else if !refused && (time.Duration(d) != tt.want || d.String() != tt.text) {
			t.Errorf("%q = %v %q, want %v %q", tt.in, time.Duration(d), d, tt.want, tt.text)
		}
	}
}

func FuzzUnits(f *testing.F) {
	for _, s := range []string{"100MiB", "1GB", "90d", "1d12h", "1h0.5s", "9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b, b2 config.Bytes
		if err := b.UnmarshalText([]byte(s)); err == nil {
			if err := b2.UnmarshalText([]byte(b.String())); err != nil || b2 != b || b < 0 {
				t.Errorf("bytes %q: %d reads back as %d, %v", s, b, b2, err)
			}
		}
		var d, d2 config.Duration
		if err := d.UnmarshalText([]byte(s)); err == nil {
			if err := d2.UnmarshalText([]byte(d.String())); err != nil || d2 != d || d < 0 {
				t.Errorf("duration %q: %d reads back as %d, %v", s, d, d2, err)
			}
		}
	})
}
