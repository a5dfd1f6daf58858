package ghspec

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestTheTrimmedDescriptionIsValid(t *testing.T) {
	doc, err := Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Not all of GitHub's examples are as its schemas say.
	if err := doc.Validate(t.Context(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		t.Error(err)
	}
	op := doc.Paths.Find("/repos/{owner}/{repo}/issues/{issue_number}/comments").Post
	if op == nil || op.RequestBody.Value.Content["application/json"].Schema.Value.Properties["body"] == nil {
		t.Error("creating a comment lost its body")
	}
}

func TestTrimRefuses(t *testing.T) {
	for _, in := range []string{"", "{", `{"paths":{}}`, `{"paths":{"/user":{"put":{}}}}`} {
		var out bytes.Buffer
		if err := Trim(&out, strings.NewReader(in)); err == nil {
			t.Errorf("Trim(%q) = nil, want an error", in)
		}
	}
}

func TestTrimKeepsPropertiesByAnyName(t *testing.T) {
	paths := map[string]any{}
	for path, methods := range operations() {
		item := map[string]any{}
		for _, m := range append(methods, "put") {
			item[m] = map[string]any{"description": "long", "x-github": 1, "responses": map[string]any{"200": map[string]any{
				"description": "long", "content": map[string]any{"application/json": map[string]any{
					"schema": map[string]any{"$ref": "#/components/schemas/a"}}}}}}
		}
		paths[path] = item
	}
	in, err := json.Marshal(map[string]any{"paths": paths, "components": map[string]any{"schemas": map[string]any{
		"a": map[string]any{"description": "long", "properties": map[string]any{"description": map[string]any{"type": "string"}, "x-y": map[string]any{}}},
		"b": map[string]any{}}}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Trim(&out, bytes.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !strings.Contains(got, `"schemas":{"a":{"properties":{"description":{"type":"string"},"x-y":{}}}}`) {
		t.Errorf("Trim lost a property or kept what nothing refers to:\n%s", got)
	}
	if strings.Contains(got, "long") || strings.Contains(got, "x-github") || strings.Contains(got, `"put"`) {
		t.Errorf("Trim kept texts, extensions or other operations:\n%s", got)
	}
}
