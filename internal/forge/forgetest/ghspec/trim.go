package ghspec

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// operations are what the project calls, by path.
func operations() map[string][]string {
	return map[string][]string{
		"/user": {"get"},
		"/app":  {"get"},
		"/app/installations/{installation_id}/access_tokens":                     {"post"},
		"/repos/{owner}/{repo}":                                                  {"get"},
		"/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}": {"get"},
		"/repos/{owner}/{repo}/actions/runs":                                     {"get"},
		"/repos/{owner}/{repo}/actions/runs/{run_id}":                            {"get"},
		"/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts":                  {"get"},
		"/repos/{owner}/{repo}/commits/{ref}":                                    {"get"},
		"/repos/{owner}/{repo}/commits/{commit_sha}/pulls":                       {"get"},
		"/repos/{owner}/{repo}/compare/{basehead}":                               {"get"},
		"/repos/{owner}/{repo}/installation":                                     {"get"},
		"/repos/{owner}/{repo}/issues/{issue_number}/comments":                   {"get", "post"},
		"/repos/{owner}/{repo}/issues/comments/{comment_id}":                     {"get", "patch", "delete"},
		"/repos/{owner}/{repo}/pulls":                                            {"get"},
		"/repos/{owner}/{repo}/pulls/{pull_number}":                              {"get"},
		"/repos/{owner}/{repo}/statuses/{sha}":                                   {"post"},
	}
}

// object is a JSON object of any shape; the description is only cut, never
// understood.
type object = map[string]any

// Trim copies an OpenAPI description with only the project's operations, and
// of the components only those that they reach. Texts for people and GitHub's
// extensions are left out, examples stay: they are answers to start from.
func Trim(w io.Writer, r io.Reader) error {
	var doc object
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return fmt.Errorf("reading the API description: %w", err)
	}
	all, _ := doc["paths"].(object)
	paths := object{}
	for path, methods := range operations() {
		item, ok := all[path].(object)
		if !ok {
			return fmt.Errorf("the API description has no path %s", path)
		}
		kept := object{}
		for _, m := range methods {
			if kept[m], ok = item[m]; !ok {
				return fmt.Errorf("the API description has no %s %s", m, path)
			}
		}
		paths[path] = strip(kept, false)
	}
	components, _ := doc["components"].(object)
	kept, err := reach(components, paths)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(object{
		"openapi": doc["openapi"], "info": doc["info"], "servers": doc["servers"],
		"paths": paths, "components": kept,
	})
}

// reach returns the components that from refers to, directly or not.
func reach(components, from object) (object, error) {
	kept := object{}
	todo := refs(from)
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
		if len(parts) != 2 {
			return nil, fmt.Errorf("the API description refers to %q, want #/components/kind/name", ref)
		}
		kind, name := parts[0], parts[1]
		section, _ := kept[kind].(object)
		if section == nil {
			section = object{}
			kept[kind] = section
		}
		if _, done := section[name]; done {
			continue
		}
		source, _ := components[kind].(object)
		c, ok := source[name]
		if !ok {
			return nil, fmt.Errorf("the API description lacks %s", ref)
		}
		if kind != "examples" {
			c = strip(c, false)
		}
		if kind == "responses" {
			describe(c)
		}
		section[name] = c
		todo = append(todo, refs(c)...)
	}
	return kept, nil
}

// refs returns every $ref in v.
func refs(v any) []string {
	var found []string
	switch v := v.(type) {
	case object:
		if ref, ok := v["$ref"].(string); ok {
			found = append(found, ref)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			found = append(found, refs(v[key])...)
		}
	case []any:
		for _, e := range v {
			found = append(found, refs(e)...)
		}
	}
	return found
}

// strip drops descriptions and extensions. named is true where the keys are
// names that the API chose, such as a property called "description".
func strip(v any, named bool) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, e := range v {
			drop := key == "description" || key == "externalDocs" || key == "example" || strings.HasPrefix(key, "x-")
			if drop && !named {
				continue
			}
			chosen := key == "properties" || key == "responses" || key == "headers" || key == "value"
			out[key] = strip(e, !named && chosen)
			if key == "responses" && !named {
				responses, _ := out[key].(object)
				for _, response := range responses {
					describe(response)
				}
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = strip(e, false)
		}
		return out
	}
	return v
}

// describe gives a response the one text that OpenAPI requires.
func describe(response any) {
	if r, ok := response.(object); ok && r["$ref"] == nil {
		r["description"] = ""
	}
}
