package commits

import "testing"

func FuzzParseRepository(f *testing.F) {
	for _, s := range []string{"https://github.com/o/r.git", "git@host:o/r", "o/r", "github:o/r", "ssh://git@h:22/o/r", "https://h/o/r.git.git", "o/x/.git.git"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRepository(s)
		if err != nil {
			return
		}
		again, err := ParseRepository(r.String())
		if err != nil || again != r {
			t.Errorf("%q became %q and then %q (%v)", s, r, again, err)
		}
		if err := hostKey(r).Validate(); err != nil {
			t.Errorf("%q makes no key: %v", s, err)
		}
	})
}

func FuzzParsePointer(f *testing.F) {
	for _, s := range []string{"7", "pr-7", "branch:main", "tag/v1", "abcdef1", "0123456", "1234567890123456789012345678901234567890123456789", "main", "pr-", "branch-\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePointer(s)
		if err != nil {
			return
		}
		if digits := len(p.Refs) == 1 && p.Refs[0].Kind == PR && len(s) >= minSHA; (p.SHA == "") == (len(p.Refs) == 0) && !digits {
			t.Fatalf("%q is %+v: a commit or refs, and both only of a long number", s, p)
		}
		for _, ref := range p.Refs {
			if err := refKey("o/r", ref).Validate(); err != nil {
				t.Errorf("%q makes no key: %v", s, err)
			}
			if back, err := ParseRef(ref.String()); ref.Kind != PR && (err != nil || back != ref) {
				t.Errorf("%q became %s and then %s (%v)", s, ref, back, err)
			}
		}
	})
}
