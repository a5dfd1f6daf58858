package packlist_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/org/registry-action/internal/format/packlist"
)

// BenchmarkList lists packages of 60 files in 12 folders, as real ones have.
func BenchmarkList(b *testing.B) {
	dir := b.TempDir()
	write := func(name, content string) {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("package.json", `{"name":"bench","version":"1.0.0","main":"dist/index.js","bin":"bin/cli.js","files":["dist","bin","src/**/*.ts","!**/*.test.*"]}`)
	write("README.md", "")
	write("bin/cli.js", "")
	for i := range 6 {
		for j := range 5 {
			write(fmt.Sprintf("dist/lib%d/file%d.js", i, j), "")
			write(fmt.Sprintf("src/lib%d/file%d.ts", i, j), "")
		}
	}
	files := 0
	for b.Loop() {
		list, err := packlist.List(dir, packlist.Options{})
		if err != nil {
			b.Fatal(err)
		}
		files = len(list)
	}
	b.ReportMetric(float64(files), "files")
}
