package httpkit

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func formOf(t testing.TB, fields ...string) (body, boundary string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.String(), w.Boundary()
}

func TestReadForm(t *testing.T) {
	body, boundary := formOf(t, "a", "one", "skipped", strings.Repeat("x", 1<<20), "a", "two", "", "")
	got := ""
	after := strings.Repeat("z", 1<<20) // the end of a form, not of its body, is what counts
	err := ReadForm(strings.NewReader(body+after), boundary, func(p *Part) error {
		if p.Name == "skipped" {
			return nil
		}
		text, err := p.Text(3, "too long")
		got += p.Name + "=" + string(text) + ";"
		return err
	})
	if err != nil || got != "a=one;a=two;=;" {
		t.Errorf("ReadForm = %v with %s", err, got)
	}
}

// A form counts as whole only if its last boundary came: a publish must not be one of fewer packages.
func TestReadFormThatIsCutOff(t *testing.T) {
	body, boundary := formOf(t, "a", "one", "b", "two")
	begin := 0
	for cut := begin; cut < len(body)-len("\r\n"); cut++ {
		err := ReadForm(strings.NewReader(body[:cut]), boundary, func(p *Part) error {
			_, err := io.Copy(io.Discard, p)
			return err
		})
		if e, ok := fault.Public(err); !ok || e.Kind != fault.Invalid || !strings.Contains(e.Message, "the multipart body is broken") {
			t.Errorf("a form that ends with %q is answered %v", body[begin:cut], err)
		}
	}
}

func TestPartIsAFile(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if _, err := w.CreateFormFile("a", "a.tgz"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.WriteField("b", "a.tgz"), w.Close()); err != nil {
		t.Fatal(err)
	}
	if err := ReadForm(&b, w.Boundary(), func(p *Part) error {
		if p.File != (p.Name == "a") {
			t.Errorf("%s is a file: %v", p.Name, p.File)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestPartText(t *testing.T) {
	body, boundary := formOf(t, "a", "four")
	for limit, want := range map[int64]error{4: nil, 5: nil, 3: fault.TooLarge, 0: fault.TooLarge} {
		err := ReadForm(strings.NewReader(body), boundary, func(p *Part) error {
			text, err := p.Text(limit, "100% too long")
			if err == nil && string(text) != "four" {
				t.Errorf("Text(%d) = %q", limit, text)
			}
			return err
		})
		if want == nil && err != nil || want != nil && (!errors.Is(err, want) || err.Error() != "100% too long") {
			t.Errorf("Text(%d) = %v, want %v", limit, err, want)
		}
	}
}

// An error of the body below, such as its limit, stays what it is.
func TestReadFormOfTooLargeBody(t *testing.T) {
	body, boundary := formOf(t, "a", strings.Repeat("x", 1000))
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	up, err := UploadBody(httptest.NewRecorder(), r, 0, 100)
	if err != nil || up.JSON || up.Boundary != boundary {
		t.Fatalf("UploadBody = %+v, %v", up, err)
	}
	err = ReadForm(up, up.Boundary, func(p *Part) error {
		_, err := p.Text(10_000, "too long")
		return err
	})
	if !errors.Is(err, fault.TooLarge) {
		t.Errorf("ReadForm = %v, want it to be too large", err)
	}
}

func FuzzReadForm(f *testing.F) {
	body, boundary := formOf(f, "a", "one", "package:@a/b", "two")
	f.Add(body, boundary)
	f.Add("--x\r\n\r\n--x--", "x")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, body, boundary string) {
		err := ReadForm(strings.NewReader(body), boundary, func(p *Part) error {
			text, err := p.Text(8, "too long")
			if len(text) > 8 {
				t.Errorf("Text(8) has %d bytes", len(text))
			}
			return err
		})
		if _, ok := fault.Public(err); err != nil && !ok {
			t.Errorf("the form's error is not public: %v", err)
		}
	})
}
