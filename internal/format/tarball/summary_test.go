package tarball

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// checkBoth checks an archive whole and split and wants one summary of both.
func checkBoth(t *testing.T, files ...File) Summary {
	t.Helper()
	s := pack(t, new(Packer), testManifest, files...)
	whole, err := Check(bytes.NewReader(s.whole), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	split, _, err := CheckSplit(bytes.NewReader(s.head), bytes.NewReader(s.body), Limits{})
	if err != nil || !bytes.Equal(split.Readme, whole.Readme) || split.Gyp != whole.Gyp || split.Shrinkwrap != whole.Shrinkwrap {
		t.Fatalf("CheckSplit = %+v, %v, Check = %+v", split, err, whole)
	}
	return whole
}

func TestReadme(t *testing.T) {
	for names, want := range map[string]string{
		"index.js":                             "",
		"README.md":                            "README.md",
		"readme.MD":                            "readme.MD",
		"README":                               "README",
		"Readme.txt":                           "Readme.txt",
		"README.txt README":                    "README",
		"README README.markdown README.txt":    "README.markdown",
		"README.markdown README.md":            "README.md",
		"README.de.md README.md README.fr.md":  "README.md",
		"README.de.md README.fr.md":            "README.de.md",
		"README.md readme.md":                  "README.md",
		"docs/README.md":                       "",
		"docs/README.md README.rst":            "README.rst",
		"README-de.md READMEX XREADME README~": "",
		"CHANGELOG.md LICENSE":                 "",
	} {
		var files []File
		for name := range strings.FieldsSeq(names) {
			files = append(files, textFile(name, "I am "+name, 0o644))
		}
		got := checkBoth(t, files...).Readme
		if want != "" {
			want = "I am " + want
		}
		if string(got) != want || (want == "") != (got == nil) {
			t.Errorf("of %s: %q, want %q", names, got, want)
		}
	}
	if got := checkBoth(t, textFile("README.md", "", 0o644), textFile("README.txt", "x", 0o644)).Readme; string(got) != "x" {
		t.Errorf("beside an empty one: %q", got)
	}
}

func TestReadmeIsCut(t *testing.T) {
	for _, size := range []int{maxReadme - 1, maxReadme, maxReadme + 1, 10 * maxReadme} {
		for shift := range 4 {
			text := strings.Repeat("x", shift) + strings.Repeat("😀", size/4)
			got := checkBoth(t, textFile("README.md", text, 0o644)).Readme
			if len(got) > maxReadme || len(got) < min(len(text), maxReadme-3) || !utf8.Valid(got) || !strings.HasPrefix(text, string(got)) {
				t.Errorf("of %d bytes %d are left, valid: %t", len(text), len(got), utf8.Valid(got))
			}
		}
	}
	binary := strings.Repeat("\x80", maxReadme+10)
	if got := checkBoth(t, textFile("README", binary, 0o644)).Readme; string(got) != binary[:maxReadme] {
		t.Errorf("of bytes that are no text %d are left", len(got))
	}
}

func TestGypAndShrinkwrap(t *testing.T) {
	for names, want := range map[string][2]bool{
		"index.js":                          {false, false},
		"binding.gyp":                       {true, false},
		"npm-shrinkwrap.json":               {false, true},
		"binding.gyp npm-shrinkwrap.json":   {true, true},
		"a/binding.gyp a/package-lock.json": {false, false},
		"other.gyp npm-shrinkwrap.json.bak": {false, false},
		"a/npm-shrinkwrap.json Binding.gyp": {false, false},
	} {
		var files []File
		for name := range strings.FieldsSeq(names) {
			files = append(files, textFile(name, "{}", 0o644))
		}
		if sum := checkBoth(t, files...); [2]bool{sum.Gyp, sum.Shrinkwrap} != want {
			t.Errorf("of %s: gyp %t, shrinkwrap %t, want %t", names, sum.Gyp, sum.Shrinkwrap, want)
		}
	}
}

// TestSummaryIgnoresLinks has links and folders with the names of files that count.
func TestSummaryIgnoresLinks(t *testing.T) {
	raw := rawTar(manifestEntry(), symlink("package/README.md", "package.json"), linkEntry('1', "package/binding.gyp", "package/package.json"),
		entry('5', "package/npm-shrinkwrap.json/", ""))
	sum, err := Check(bytes.NewReader(gzipped(t, raw)), Limits{})
	if err != nil || sum.Readme != nil || sum.Gyp || sum.Shrinkwrap {
		t.Errorf("Check = %+v, %v", sum, err)
	}
}

func TestReadmeCutOff(t *testing.T) {
	raw := rawTar(manifestEntry(), entry('0', "package/README.md", strings.Repeat("x", 5000)))
	_, err := Check(bytes.NewReader(gzipped(t, raw[:3*ustar.BlockSize])), Limits{})
	wantRefusal(t, err, fault.Invalid, "cut off")
}
