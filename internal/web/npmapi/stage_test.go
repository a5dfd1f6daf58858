package npmapi_test

import (
	"fmt"
	"testing"
)

// TestStagedPages: whatever length of a page is asked for, the pages have every
// staged version once.
func TestStagedPages(t *testing.T) {
	n := start(t, setup{})
	const all = 103 // more than the page that is given unasked, and than may wait of one package
	for i := range all {
		name, version := fmt.Sprint("p", i%2), fmt.Sprintf("1.0.%d", i)
		n.do("POST", "/-/stage/package/"+name, document(name, version, tgz(t, name, version))).want(t, 201, "")
	}
	for asked, size := range map[string]int{"": 100, "perPage=40": 40, "perPage=100": 100, "perPage=101": 101, "perPage=9999": 500, "perPage=0": 100, "perPage=-1": 100, "perPage=x": 100} {
		seen := map[string]bool{}
		for page := 0; page <= all/size; page++ {
			list := n.get(fmt.Sprintf("/-/stage?%s&page=%d", asked, page)).want(t, 200, "").json(t)
			if list["perPage"] != float64(size) || list["total"] != float64(all) {
				t.Errorf("%q: perPage %v, total %v, want %d, %d", asked, list["perPage"], list["total"], size, all)
			}
			items := list["items"].([]any)
			if want := min(size, all-page*size); len(items) != want {
				t.Errorf("%q: page %d has %d items, want %d", asked, page, len(items), want)
			}
			for _, v := range items {
				seen[v.(object)["id"].(string)] = true
			}
		}
		if len(seen) != all {
			t.Errorf("%q: the pages have %d of %d staged versions", asked, len(seen), all)
		}
	}
}
