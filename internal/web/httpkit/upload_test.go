package httpkit

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/jsonstream"
)

func TestTarballJSON(t *testing.T) {
	got := ""
	receive := func(r io.Reader) error {
		b, err := io.ReadAll(r)
		got += string(b) + ";"
		return err
	}
	text, err := TarballJSON(strings.NewReader(`{"dist":{"tarball":"aGk="},"tarball":"aGVsbG8=","list":[{"tarball":"!"}]}`), 100, receive)
	if want := `{"dist":{"tarball":"aGk="},"tarball":true,"list":[{"tarball":"!"}]}`; err != nil || string(text) != want || got != "hello;" {
		t.Errorf("TarballJSON = %s, %v with %s", text, err, got)
	}
	_, err = TarballJSON(strings.NewReader(`{"tarball":"!"}`), 100, receive)
	if e, ok := fault.Public(err); !ok || e.Code != jsonstream.InvalidBase64 {
		t.Errorf("of no base64 TarballJSON = %v", err)
	}
	if _, err = TarballJSON(strings.NewReader(`{"a":"`+strings.Repeat("x", 100)+`"}`), 100, receive); !errors.Is(err, fault.TooLarge) {
		t.Errorf("of a long text TarballJSON = %v", err)
	}
	refused := errors.New("refused")
	if _, err = TarballJSON(strings.NewReader(`{"tarball":"aGk="}`), 100, func(io.Reader) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("TarballJSON = %v, want the receiver's error", err)
	}
}

func TestUploadBody(t *testing.T) {
	for header, want := range map[string]error{
		"application/json": nil, "application/json; charset=utf-8": nil, "multipart/form-data; boundary=x": nil, "multipart/form-data": nil,
		"": unsupportedMediaType, "text/plain": unsupportedMediaType, "multipart/mixed; boundary=x": unsupportedMediaType,
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.Header.Set("Content-Type", header)
		up, err := UploadBody(httptest.NewRecorder(), r, 10, 10)
		if !errors.Is(err, want) || want == nil && up.JSON != strings.HasPrefix(header, "application/json") {
			t.Errorf("UploadBody of %q = %+v, %v, want %v", header, up, err, want)
		}
	}
}

func TestInWords(t *testing.T) {
	plain, refusal := errors.New("plain"), fault.New(fault.Exists, "it is there").WithCode("version_exists")
	if err := InWords(plain, fault.Exists, "Words"); err != plain {
		t.Errorf("InWords of what is not public = %v", err)
	}
	if err := InWords(refusal, fault.NotFound, "Words"); err != error(refusal) {
		t.Errorf("InWords of another kind = %v", err)
	}
	if err := InWords(nil, fault.NotFound, "Words"); err != nil {
		t.Errorf("InWords(nil) = %v", err)
	}
	once := InWords(refusal, fault.Exists, "Words")
	e, ok := fault.Public(InWords(once, fault.Exists, "Words"))
	if !ok || e.Message != "Words: it is there" || e.Code != "version_exists" || refusal.Message != "it is there" {
		t.Errorf("InWords twice = %+v, of %+v", e, refusal)
	}
}
