package jsonstream

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/org/registry-action/internal/fault"
)

const noLimit = 1 << 30

// collect is a sink that keeps what it is given and answers its length.
func collect(got *[]string) func(io.Reader) (any, error) {
	return func(r io.Reader) (any, error) {
		b, err := io.ReadAll(r)
		*got = append(*got, string(b))
		return map[string]int{"size": len(b)}, err
	}
}

func TestExtract(t *testing.T) {
	for name, tc := range map[string]struct {
		in, out string
		got     []string
	}{
		"empty":              {in: "", out: ""},
		"no object":          {in: ` "tarball" `, out: ` "tarball" `},
		"plain":              {`{"tarball":"aGVsbG8="}`, `{"tarball":{"size":5}}`, []string{"hello"}},
		"no padding":         {`{"tarball":"aGVsbG8"}`, `{"tarball":{"size":5}}`, []string{"hello"}},
		"two padding":        {`{"tarball":"aGVsbA=="}`, `{"tarball":{"size":4}}`, []string{"hell"}},
		"whole groups":       {`{"tarball":"aGVs"}`, `{"tarball":{"size":3}}`, []string{"hel"}},
		"empty value":        {`{"tarball":""}`, `{"tarball":{"size":0}}`, []string{""}},
		"line breaks":        {`{"tarball":"aG\r\nVs\nbG8=\r\n"}`, `{"tarball":{"size":5}}`, []string{"hello"}},
		"escaped digits":     {`{"tarball":"\u002b\u002B\/\u0041"}`, `{"tarball":{"size":3}}`, []string{"\xfb\xef\xc0"}},
		"escaped slashes":    {`{"tarball":"\/\/8\u003d"}`, `{"tarball":{"size":2}}`, []string{"\xff\xff"}},
		"escaped key":        {`{"\u0074arb\u0061ll":"aGVs"}`, `{"\u0074arb\u0061ll":{"size":3}}`, []string{"hel"}},
		"spaces":             {"{ \"tarball\"\n:\t\"aGVs\" , \"b\" : 1 }", "{ \"tarball\"\n:\t{\"size\":3} , \"b\" : 1 }", []string{"hel"}},
		"deep":               {`[{"a":{"b":[0,{"tarball":"aGVs"}]}}]`, `[{"a":{"b":[0,{"tarball":{"size":3}}]}}]`, []string{"hel"}},
		"many":               {`[{"tarball":"YQ"},{"x":{},"tarball":"Yg=="}]`, `[{"tarball":{"size":1}},{"x":{},"tarball":{"size":1}}]`, []string{"a", "b"}},
		"no string":          {in: `{"tarball":null,"a":{"tarball":[{}]}}`, out: `{"tarball":null,"a":{"tarball":[{}]}}`},
		"a value, not a key": {in: `{"a":"tarball","b":["tarball","x"]}`, out: `{"a":"tarball","b":["tarball","x"]}`},
		"inside the value":   {`{"tarball":["aGVs",{"tarball":"aGVs"}]}`, `{"tarball":["aGVs",{"tarball":{"size":3}}]}`, []string{"hel"}},
		"inside a string":    {in: `{"a":"{\"tarball\":\"aGVs\"}"}`, out: `{"a":"{\"tarball\":\"aGVs\"}"}`},
		"other case":         {in: `{"Tarball":"?"}`, out: `{"Tarball":"?"}`},
		"not JSON":           {in: `{"tarball" "aGVs"} ]} {"tarball",:"aGVs"`, out: `{"tarball" "aGVs"} ]} {"tarball",:"aGVs"`},
		"value twice":        {`{"tarball":"YQ" "YQ"}`, `{"tarball":{"size":1} "YQ"}`, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, wrap := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
				var got []string
				out, err := Extract(wrap(strings.NewReader(tc.in)), "tarball", noLimit, collect(&got))
				if err != nil || string(out) != tc.out || !slices.Equal(got, tc.got) {
					t.Errorf("Extract = %s, %v, with %q; want %s with %q", out, err, got, tc.out, tc.got)
				}
			}
		})
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, want string) {
	t.Helper()
	if e, ok := fault.Public(err); !ok || e.Kind != kind || !strings.Contains(e.Message, want) {
		t.Errorf("error %v, want %s with %q", err, kind, want)
	}
}

func TestExtractRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`{"tarball":"aGVs!"}`:                     `tarball is not base64: it has the character '!'`,
		`{"packages":[1,{},{"tarball":"a b="}]}`:  `packages[2].tarball is not base64`,
		`{"_att":{"@a/b-1.tgz":{"tarball":"_"}}}`: `_att["@a/b-1.tgz"].tarball is not base64: it has the character '_'`,
		`{"tarball":"a"}`:                         "not a whole byte",
		`{"tarball":"aGVsb"}`:                     "not a whole byte",
		`{"tarball":"aGVsbG9="}`:                  "not a whole byte",
		`{"tarball":"aGVsbG8=="}`:                 "padding does not fit",
		`{"tarball":"aGVs="}`:                     "padding does not fit",
		`{"tarball":"=="}`:                        "padding does not fit",
		`{"tarball":"aG==="}`:                     "too much padding",
		`{"tarball":"aG==aG=="}`:                  "goes on after its padding",
		`{"tarball":"aG=\n=a"}`:                   "goes on after its padding",
		"{\"tarball\":\"aG\nVs\"}":                "not escaped",
		`{"tarball":"aG\tVs"}`:                    "the escape",
		`{"tarball":"aG\u0100Vs"}`:                "the escape",
		`{"tarball":"aG\uzzzzVs"}`:                "the escape",
		`{"tarball":"aG\u0022Vs"}`:                `the character '"'`,
		`{"tarball":"aGVs\u00ff"}`:                "the character 'ÿ'",
		`{"tarball":"aGVs`:                        "ends inside a string (tarball)",
		`{"tarball":"aGVs\`:                       "ends inside a string",
		`{"tarball":"aGVs\u00`:                    "ends inside a string",
		`{"a":[1,"b`:                              "ends inside a string (a[1])",
		`{"a`:                                     "ends inside a string (the whole text)",
		`"a\"`:                                    "ends inside a string",
		strings.Repeat("[", 10_001):               "more than 10000 levels",
	} {
		_, err := Extract(strings.NewReader(in), "tarball", noLimit, collect(new([]string)))
		wantFault(t, err, fault.Invalid, want)
		// A sink that overlooks errors, or reads nothing, changes nothing.
		_, err = Extract(strings.NewReader(in), "tarball", noLimit, func(r io.Reader) (any, error) {
			r.Read(make([]byte, 1))
			return nil, nil
		})
		wantFault(t, err, fault.Invalid, want)
	}
}

func TestLimit(t *testing.T) {
	in := `{"tarball":"` + strings.Repeat("aGVs", 1000) + `","b":"text"}`
	out := `{"tarball":{"size":3000},"b":"text"}`
	for limit := range int64(len(out)) {
		_, err := Extract(strings.NewReader(in), "tarball", limit, collect(new([]string)))
		wantFault(t, err, fault.TooLarge, fmt.Sprintf("%d bytes", limit))
	}
	if got, err := Extract(strings.NewReader(in), "tarball", int64(len(out)), collect(new([]string))); err != nil || string(got) != out {
		t.Errorf("at the limit: %s, %v", got, err)
	}
}

func TestErrorsComeBackAsTheyAre(t *testing.T) {
	boom := errors.New("boom")
	in := `{"a":"b","tarball":"aGVsbG8=","c":1}`
	for n := range len(in) {
		r := io.MultiReader(strings.NewReader(in[:n]), iotest.ErrReader(boom))
		if _, err := Extract(r, "tarball", noLimit, collect(new([]string))); err != boom {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if _, err := Extract(strings.NewReader(in), "tarball", noLimit, func(io.Reader) (any, error) { return nil, boom }); err != boom {
		t.Errorf("the sink's error: %v", err)
	}
	unmarshallable := func(io.Reader) (any, error) { return make(chan int), nil }
	if _, err := Extract(strings.NewReader(in), "tarball", noLimit, unmarshallable); err == nil {
		t.Error("a result that is no JSON was accepted")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	line := bytes.Repeat([]byte("QUJD"), 1<<14)
	parts := []io.Reader{strings.NewReader(`{"tarball":"`)}
	const steps = 512
	for range steps {
		parts = append(parts, bytes.NewReader(line))
	}
	in := io.MultiReader(append(parts, strings.NewReader(`"}`))...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := Extract(in, "tarball", 100, func(r io.Reader) (any, error) { return io.Copy(io.Discard, r) })
	runtime.ReadMemStats(&after)
	if want := fmt.Sprintf(`{"tarball":%d}`, steps*len(line)/4*3); err != nil || string(out) != want {
		t.Errorf("Extract = %s, %v, want %s", out, err, want)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("Extract allocated %d bytes", got)
	}
}

// Random documents: what encoding/json reads from the original, it reads from
// the result and the sink together.
func TestAgreesWithEncodingJSON(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		doc := randomValue(rnd, 5)
		in, err := json.MarshalIndent(doc, "", strings.Repeat(" ", rnd.IntN(3)))
		if err != nil {
			t.Fatal(err)
		}
		checkAgainstJSON(t, in)
	}
}

func randomValue(rnd *rand.Rand, depth int) any {
	kind := rnd.IntN(6)
	if depth == 0 {
		kind = rnd.IntN(4)
	}
	switch kind {
	case 0:
		return rnd.Float64()
	case 1:
		return []any{nil, true, "", "tarball", "\"\\/\u2028é😀"}[rnd.IntN(5)]
	case 2, 3:
		b := make([]byte, rnd.IntN(200))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return base64.StdEncoding.EncodeToString(b)
	case 4:
		list := make([]any, rnd.IntN(4))
		for i := range list {
			list[i] = randomValue(rnd, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rnd.IntN(5) {
		object[[]string{"tarball", "a", "b\"", "ta\trball", ""}[rnd.IntN(5)]] = randomValue(rnd, depth-1)
	}
	return object
}

// checkAgainstJSON extracts from a valid text with a sink that gives back what
// it was given, in a form that no string of the text has.
func checkAgainstJSON(t *testing.T, in []byte) {
	t.Helper()
	var want, got any
	if json.Unmarshal(in, &want) != nil {
		return
	}
	out, err := Extract(bytes.NewReader(in), "tarball", noLimit, func(r io.Reader) (any, error) {
		b, err := io.ReadAll(r)
		return []any{"decoded", string(fmt.Appendf(nil, "%x", b))}, err
	})
	expected, ok := decodeMembers(want)
	if !ok || err != nil {
		if ok || err == nil || !errors.Is(err, fault.Invalid) {
			t.Fatalf("Extract(%s) = %v; encoding/json says that its base64 is valid: %v", in, err, ok)
		}
		return
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("Extract(%s) = %s: %v", in, out, err)
	}
	a, _ := json.Marshal(expected)
	b, _ := json.Marshal(got)
	if !bytes.Equal(a, b) {
		t.Fatalf("Extract(%s) = %s, want %s", in, b, a)
	}
}

// decodeMembers does what Extract does, on a decoded text.
func decodeMembers(v any) (any, bool) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			var ok bool
			if v[i], ok = decodeMembers(v[i]); !ok {
				return nil, false
			}
		}
	case map[string]any:
		for name, m := range v {
			text, isString := m.(string)
			if name == "tarball" && isString {
				text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
				encoding := base64.StdEncoding
				if !strings.Contains(text, "=") {
					encoding = base64.RawStdEncoding
				}
				b, err := encoding.Strict().DecodeString(text)
				if err != nil {
					return nil, false
				}
				v[name] = []any{"decoded", string(fmt.Appendf(nil, "%x", b))}
				continue
			}
			var ok bool
			if v[name], ok = decodeMembers(m); !ok {
				return nil, false
			}
		}
	}
	return v, true
}

func FuzzExtract(f *testing.F) {
	for _, in := range []string{
		`{"tarball":"aGVsbG8=","a":[1,{"\u0074arball":"YQ"}]}`, `{"a":"\"tarball\":","b":{}}`, `[[["tarball"]]]`, `{"tarball":"\/\/8\u003d"}`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		// Without the key, whatever comes out is what went in.
		out, err := Extract(bytes.NewReader(in), "no such key", noLimit, func(io.Reader) (any, error) {
			t.Error("the sink was called")
			return nil, nil
		})
		switch {
		case err == nil && !bytes.Equal(in, out):
			t.Fatalf("Extract(%q) = %q", in, out)
		case err != nil && (json.Valid(in) || !errors.Is(err, fault.Invalid)):
			t.Fatalf("Extract(%q) = %v", in, err)
		}
		if hasDuplicates(in) {
			return // encoding/json shows only the last of equal members
		}
		checkAgainstJSON(t, in)
		out, err = Extract(bytes.NewReader(in), "tarball", noLimit, collect(new([]string)))
		if err == nil && json.Valid(out) != json.Valid(in) {
			t.Fatalf("Extract(%q) = %q: one is JSON, the other is not", in, out)
		}
	})
}

func hasDuplicates(in []byte) bool {
	var v any
	if json.Unmarshal(in, &v) != nil {
		return false
	}
	return members(v) != strings.Count(compactNames(in), ":")
}

// members counts the members of all objects.
func members(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += members(e)
		}
	case map[string]any:
		for _, e := range v {
			n += 1 + members(e)
		}
	}
	return n
}

// compactNames drops all strings, so that only the colons of members are left.
func compactNames(in []byte) string {
	var b strings.Builder
	quoted, escaped := false, false
	for _, c := range in {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// The work for a member does not grow with its depth.
func TestExtractWhereDepth(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 17) + `{"data":"?"}` + strings.Repeat(`}`, 17)
	out, err := ExtractWhere(strings.NewReader(deep), "data", func([]string) bool { return true }, noLimit, collect(new([]string)))
	if err != nil || string(out) != deep {
		t.Errorf("ExtractWhere = %s, %v, want the text unchanged", out, err)
	}
	wide := `{"x":` + strings.Repeat(`[`, 9_000) + `{` + strings.Repeat(`"data":"",`, 200_000) + `"data":""}` + strings.Repeat(`]`, 9_000) + `}`
	if _, err := ExtractWhere(strings.NewReader(wide), "data", func([]string) bool { return false }, noLimit, collect(new([]string))); err != nil {
		t.Error(err)
	}
}

func TestExtractWhere(t *testing.T) {
	in := `{"versions":{"1.0.0":{"data":"no base64","x":[{"data":"!"}]}},"\u005fattachments":{"a\"-1.tgz":{"data":"aGVs","deeper":{"data":"?"}}},"list":[{"data":"aGVs"}],"data":"?"}`
	var places [][]string
	out, err := ExtractWhere(strings.NewReader(in), "data", func(place []string) bool {
		places = append(places, place)
		return len(place) == 2 && (place[0] == "_attachments" || place[1] == "")
	}, noLimit, collect(new([]string)))
	want := `{"versions":{"1.0.0":{"data":"no base64","x":[{"data":"!"}]}},"\u005fattachments":{"a\"-1.tgz":{"data":{"size":3},"deeper":{"data":"?"}}},"list":[{"data":{"size":3}}],"data":"?"}`
	if err != nil || string(out) != want {
		t.Errorf("ExtractWhere = %s, %v, want %s", out, err, want)
	}
	wantPlaces := [][]string{{"versions", "1.0.0"}, {"versions", "1.0.0", "x", ""}, {"_attachments", `a"-1.tgz`}, {"_attachments", `a"-1.tgz`, "deeper"}, {"list", ""}, nil}
	if !slices.EqualFunc(places, wantPlaces, slices.Equal[[]string]) {
		t.Errorf("where was asked of %q, want %q", places, wantPlaces)
	}
}
