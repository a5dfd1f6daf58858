package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	tab := table{Title: "packing"}
	tab.add("time", 1.2345, seconds)
	tab.aim("faster", 99.5, ratio, atLeast, 100)
	tab.aim("stored", 65536, bytesOf, atMost, 65536)
	tab.aim("of whole", 1.01, percent, atMost, 1)
	tab.note("a note")
	var out strings.Builder
	tab.print(&out)
	want := `
| packing  | measured |     target | reached |
| -------- | -------: | ---------: | ------: |
| time     |   1.235s |            |         |
| faster   |   99.50× |  ≥ 100.00× |      no |
| stored   | 64.0 KiB | ≤ 64.0 KiB |     yes |
| of whole |   1.01 % |   ≤ 1.00 % |      no |

- a note
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestChoose(t *testing.T) {
	got, err := choose(measurements(), []string{"memory", "pack"})
	if err != nil || !cmp.Equal(names(got), []string{"memory", "pack"}) {
		t.Errorf("choose = %v, %v", names(got), err)
	}
	if got, err := choose(measurements(), nil); err != nil || len(got) != len(measurements()) {
		t.Errorf("choosing nothing gives %v, %v; want all", names(got), err)
	}
	if _, err := choose(measurements(), []string{"speed"}); err == nil || !strings.Contains(err.Error(), "pack, publish, history, memory") {
		t.Errorf("an unknown name: %v, want the names there are", err)
	}
}
