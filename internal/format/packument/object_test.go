package packument

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func TestObject(t *testing.T) {
	o, err := ParseObject([]byte(` { "b" : "x\u0041" , "a":{"z":1, "y":[ ]},"b2":null,"a":2 , "c":7 } `))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Object{{"b", []byte(`"x\u0041"`)}, {"a", []byte(`2`)}, {"b2", []byte(`null`)}, {"c", []byte(`7`)}}, o); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if o.Text("b") != "xA" || o.Text("a") != "" || o.Text("none") != "" || string(o.Get("b2")) != "null" || o.Get("none") != nil {
		t.Errorf("members of %v", o)
	}
	o.Set("b2", []byte(`{"<":1}`))
	o.Set("d", []byte(`[]`))
	o.Delete("a")
	o.Delete("none")
	if b := encodeJSON(t, o); string(b) != `{"b":"x\u0041","b2":{"<":1},"c":7,"d":[]}` {
		t.Errorf("object %s", b)
	}
	var back struct{ O Object }
	wrapped, err := json.Marshal(struct{ O Object }{o})
	if err != nil {
		t.Fatal(err)
	}
	decode(t, wrapped, &back)
	if len(back.O) != 4 || back.O.Text("b") != "xA" {
		t.Errorf("stored and read: %s", back.O)
	}
	if b, err := (Object{{"a", []byte(`{`)}}).MarshalJSON(); err == nil {
		t.Errorf("no JSON, but %s", b)
	}
}

func TestParseObjectRefuses(t *testing.T) {
	for _, text := range []string{``, `null`, `[]`, `"a"`, `{`, `{"a":1}{}`, `{"a":1,}`, `{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`} {
		if o, err := ParseObject([]byte(text)); !errors.Is(err, fault.Invalid) || o != nil {
			t.Errorf("ParseObject(%.40q) = %v, %v, want fault.Invalid", text, o, err)
		}
	}
}

// TestParseObjectIsLinear has as many keys, each twice, as a quadratic search
// would take minutes for.
func TestParseObjectIsLinear(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"k%d":%d`, i%50_000, i)
	}
	o, err := ParseObject([]byte("{" + b.String()[1:] + "}"))
	if err != nil || len(o) != 50_000 || o[7].Key != "k7" || string(o[7].Value) != "50007" {
		t.Errorf("%d members, %v", len(o), err)
	}
}

func TestPersons(t *testing.T) {
	for text, want := range map[string]string{
		`"Bob"`:                                  `{"name":"Bob"}`,
		`" Bob B <bob@example.org> (http://x) "`: `{"name":"Bob B","email":"bob@example.org","url":"http://x"}`,
		`"<bob@example.org>"`:                    `{"email":"bob@example.org"}`,
		`"Bob <<x> (("`:                          `{"name":"Bob","email":"x"}`,
		`"Bob <x"`:                               `{"name":"Bob"}`,
		`{"name":"bob","email":"e","url":"u"}`:   `{"name":"bob","email":"e","url":"u"}`,
		`{"url":"u","email":7}`:                  `{"url":"u","email":7}`,
		`{}`:                                     `{}`,
		`""`:                                     "", `7`: "", `null`: "", `[]`: "",
	} {
		var p Person
		err := json.Unmarshal([]byte(text), &p)
		if want == "" {
			if text != "null" && !errors.Is(err, fault.Invalid) {
				t.Errorf("%s is a person: %v, %v", text, p, err)
			}
			continue
		}
		if got := encodeJSON(t, p); err != nil || string(got) != want {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"a":[2,{"b":null}]}`, `{"\u0061":"\ud83d\ude00","é":-1.5e+3}`, `{"a":tru}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParseObject(text)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(text, &want)
		if wantErr == nil && want == nil || tooDeep(text) {
			wantErr = errors.New("null, or too deep")
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("ParseObject: %v, encoding/json: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		got := map[string]json.RawMessage{}
		for _, m := range o {
			got[m.Key] = m.Value
		}
		if d := cmp.Diff(want, got); d != "" || len(got) != len(o) {
			t.Errorf("(-want +got)\n%s", d)
		}
		text = encodeJSON(t, o)
		if again, err := ParseObject(text); err != nil || !cmp.Equal(o, again) {
			t.Errorf("encoded as %s, read as %v, %v", text, again, err)
		}
	})
}
