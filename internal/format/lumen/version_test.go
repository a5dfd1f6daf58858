package lumen

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestValidVersion(t *testing.T) {
	for _, v := range []string{"0.0.0", "1.2.3", "1.2.3-alpha.1", "1.2.3+b.01", "1.0.0-0a", "10.20.30-rc.1+5", "1.0.0-18446744073709551615"} {
		if err := ValidVersion(v); err != nil {
			t.Errorf("ValidVersion(%q) = %v, want nil", v, err)
		}
	}
	for _, v := range []string{"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "v1.2.3", " 1.2.3", "1.2.x", "../1", "1.2.3-a/b", "index", "1.2.3-18446744073709551616",
		"1.2.3-" + strings.Repeat("a", maxVersion)} {
		wantFault(t, ValidVersion(v), fault.Invalid, "bad_version")
	}
}

func TestCompareOrders(t *testing.T) {
	ascending := []string{"", "index", "0.0.1", "0.1.0", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.0+a", "1.0.0+b", "1.10.0", "2.0.0"}
	mixed := slices.Clone(ascending)
	rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	slices.SortFunc(mixed, Compare)
	if !slices.Equal(mixed, ascending) {
		t.Errorf("sorted = %q, want %q", mixed, ascending)
	}
}

func TestLatest(t *testing.T) {
	for _, test := range []struct{ versions, yanked, want string }{
		{"", "", ""},
		{"1.0.0 1.1.0 0.9.0", "", "1.1.0"},
		{"1.0.0 2.0.0-rc.1", "", "1.0.0"},
		{"1.0.0 2.0.0-rc.1 2.0.0-rc.2", "1.0.0", "2.0.0-rc.2"},
		{"1.0.0 1.1.0", "1.1.0", "1.0.0"},
		{"1.0.0", "1.0.0", ""},
		{"latest 1.0.0", "", "1.0.0"},
		{"1.0.0 1.0.0+b", "", "1.0.0+b"},
	} {
		yanked := map[string]string{}
		for v := range strings.FieldsSeq(test.yanked) {
			yanked[v] = ""
		}
		if got := Latest(strings.Fields(test.versions), yanked); got != test.want {
			t.Errorf("Latest(%s; yanked %s) = %q, want %q", test.versions, test.yanked, got, test.want)
		}
	}
}

// TestLatestIsOffered: whatever was published and yanked in whatever order, the latest version is one that is offered, and no stable
// version that is offered is higher.
func TestLatestIsOffered(t *testing.T) {
	all := []string{"0.1.0", "1.0.0-a", "1.0.0", "1.0.1", "2.0.0-b.1", "2.0.0-b.2", "2.0.0+x"}
	for range 500 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		versions := all[:rand.IntN(len(all)+1)]
		yanked := map[string]string{}
		for _, v := range versions {
			if rand.IntN(2) == 0 {
				yanked[v] = "broken"
			}
		}
		latest := Latest(versions, yanked)
		if _, gone := yanked[latest]; gone || (latest == "") != (len(yanked) == len(versions)) {
			t.Fatalf("Latest(%q, %q) = %q", versions, yanked, latest)
		}
		for _, v := range versions {
			if _, gone := yanked[v]; !gone && !Prerelease(v) && (Prerelease(latest) || Compare(v, latest) > 0) {
				t.Fatalf("Latest(%q, %q) = %q, but %q is higher", versions, yanked, latest, v)
			}
		}
	}
}
