package digest

import "testing"

func TestPack(t *testing.T) {
	h := NewHasher()
	_, _ = h.Write([]byte("a file"))
	sums := h.Sums()
	packed, err := sums.Pack()
	if err != nil || packed.Sums() != sums {
		t.Errorf("%+v became %+v, %v", sums, packed.Sums(), err)
	}
	for name, change := range map[string]func(*Sums){
		"no integrity":    func(s *Sums) { s.Integrity = "" },
		"another hash":    func(s *Sums) { s.Integrity = "sha384-" + s.Integrity[7:] },
		"short integrity": func(s *Sums) { s.Integrity = s.Integrity[:7] + s.Integrity[11:] },
		"no base64":       func(s *Sums) { s.Integrity = s.Integrity[:7] + "!" + s.Integrity[8:] },
		"short shasum":    func(s *Sums) { s.Shasum = s.Shasum[2:] },
		"no hex":          func(s *Sums) { s.Shasum = "x" + s.Shasum[1:] },
	} {
		wrong := sums
		change(&wrong)
		if _, err := wrong.Pack(); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
}
