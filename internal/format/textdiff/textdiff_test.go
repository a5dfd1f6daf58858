package textdiff

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// apply checks that a diff with all its context makes one text of the other.
func apply(t *testing.T, before, after string) Diff {
	t.Helper()
	d := Unified(before, after, 1<<20)
	if before == after {
		if len(d.Hunks) != 0 {
			t.Fatalf("equal texts have the diff %+v", d)
		}
		return d
	}
	var a, b []string
	for _, h := range d.Hunks {
		for _, l := range h.Lines {
			if l.Op != Added {
				a = append(a, l.Text)
			}
			if l.Op != Removed {
				b = append(b, l.Text)
			}
		}
	}
	trim := func(text string) string { return strings.TrimSuffix(text, "\n") }
	if got := strings.Join(a, "\n"); got != trim(before) {
		t.Fatalf("the diff is of %q, not of %q", got, before)
	}
	if got := strings.Join(b, "\n"); got != trim(after) {
		t.Fatalf("the diff makes %q, not %q", got, after)
	}
	return d
}

func TestUnified(t *testing.T) {
	for _, tt := range []struct {
		name, before, after, want string
	}{
		{"nothing", "a\nb\n", "a\nb\n", ""},
		{"all new", "", "a\nb\n", "@@ 0,0 1,2\n+a\n+b\n"},
		{"all gone", "a\n", "", "@@ 1,1 0,0\n-a\n"},
		{"one line", "a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n", "@@ 2,3 2,3\n b\n-c\n+X\n d\n"},
		{"far apart", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nX\n3\n4\n5\n6\n7\nY\n9\n", "@@ 1,3 1,3\n 1\n-2\n+X\n 3\n@@ 7,3 7,3\n 7\n-8\n+Y\n 9\n"},
		{"near each other", "1\n2\n3\n4\n5\n", "1\nX\n3\nY\n5\n", "@@ 1,5 1,5\n 1\n-2\n+X\n 3\n-4\n+Y\n 5\n"},
		{"the paper's", "A\nB\nC\nA\nB\nB\nA\n", "C\nB\nA\nB\nA\nC\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := apply(t, tt.before, tt.after)
			if tt.name == "the paper's" {
				if d.Added+d.Removed != 5 {
					t.Errorf("%d changes, want the 5 of the shortest script", d.Added+d.Removed)
				}
				return
			}
			var got strings.Builder
			for _, h := range Unified(tt.before, tt.after, 1).Hunks {
				a, na, b, nb := h.Span()
				fmt.Fprintf(&got, "@@ %d,%d %d,%d\n", a, na, b, nb)
				for _, l := range h.Lines {
					fmt.Fprintf(&got, "%c%s\n", l.Op, l.Text)
				}
			}
			if got.String() != tt.want {
				t.Errorf("got\n%swant\n%s", got.String(), tt.want)
			}
		})
	}
}

// Whatever the texts, the diff makes one of the other, and no script is shorter.
func TestRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		before, after := random(rng), random(rng)
		d := apply(t, strings.Join(before, ""), strings.Join(after, ""))
		if want := len(before) + len(after) - 2*common(before, after); d.Added+d.Removed != want {
			t.Fatalf("%q to %q: %d changes, the shortest has %d", before, after, d.Added+d.Removed, want)
		}
	}
}

func random(rng *rand.Rand) []string {
	out := make([]string, rng.IntN(12))
	for i := range out {
		out[i] = string(rune('a'+rng.IntN(4))) + "\n"
	}
	return out
}

// common is the length of the longest common subsequence.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		last := 0
		for j := range b {
			up := row[j+1]
			if a[i] == b[j] {
				row[j+1] = last + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			last = up
		}
	}
	return row[len(b)]
}

// Two large texts without a common line take no longer than the bound, and the diff is still right.
func TestBound(t *testing.T) {
	var a, b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&a, "a%d\n", i)
		fmt.Fprintf(&b, "b%d\n", i/2)
		if i%1000 == 0 {
			b.WriteString("a" + fmt.Sprint(60_000-i) + "\n")
		}
	}
	apply(t, a.String(), b.String())
}

func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd\n")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.HasSuffix(a, "\n") == strings.HasSuffix(b, "\n") {
			apply(t, a, b)
		}
		Unified(a, b, 3)
	})
}
