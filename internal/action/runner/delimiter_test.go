package runner

import "testing"

func TestDelimiterIsNotInTheValue(t *testing.T) {
	words := []string{"a", "b", "c"}
	next := func() string {
		w := words[0]
		words = words[1:]
		return w
	}
	if got := delimiter("has a and b", next); got != "c" {
		t.Errorf("delimiter = %q, want c", got)
	}
}
