package main

import (
	"io"
	"testing"
)

// BenchmarkPack is the measurement "pack" inside this process, for profiles.
func BenchmarkPack(b *testing.B) {
	repo, err := (&bench{log: io.Discard}).layOut(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := repo.packAll(b.Context(), packing(b.TempDir(), "")); err != nil {
			b.Fatal(err)
		}
	}
}
