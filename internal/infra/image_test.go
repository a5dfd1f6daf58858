package infra

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile.
type instruction struct{ name, args string }

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	comment   = regexp.MustCompile(`(?m)^#.*\n`)
	mounts    = regexp.MustCompile(`^(--mount=\S+\s+)*`)
)

// dockerfile returns the instructions of each stage.
func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	text := continued.ReplaceAllString(comment.ReplaceAllString(read(t, "Dockerfile"), ""), "")
	for line := range strings.Lines(text) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "":
			continue
		case name == "FROM":
			stages = append(stages, nil)
		case len(stages) == 0 || !slices.Contains([]string{"WORKDIR", "COPY", "RUN", "ARG", "LABEL", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}, name):
			t.Fatalf("what is %q in the Dockerfile?", line)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], instruction{name, strings.TrimSpace(args)})
	}
	return stages
}

// of returns the arguments of all instructions of a name.
func of(stage []instruction, name string) (args []string) {
	for _, i := range stage {
		if i.name == name {
			args = append(args, i.args)
		}
	}
	return args
}

// The image has no system, no shell and no root, and says what Docker should know.
func TestImage(t *testing.T) {
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	image := stages[1]
	for name, want := range map[string]string{
		"FROM": "scratch", "USER": "65532:65532", "VOLUME": `["/var/lib/registry"]`, "STOPSIGNAL": "SIGTERM", "ENTRYPOINT": `["/registry-server"]`, "EXPOSE": "3000",
		"ENV": "HOST=0.0.0.0 PORT=3000 REGISTRY_DATA=/var/lib/registry TMPDIR=/var/lib/registry LOG_FORMAT=json",
	} {
		if got := of(image, name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if check := of(image, "HEALTHCHECK"); len(check) != 1 || !strings.HasSuffix(check[0], `CMD ["/registry-server", "health"]`) {
		t.Errorf("HEALTHCHECK is %q", check)
	}
	if run := of(image, "RUN"); len(run) > 0 {
		t.Errorf("an image without a shell runs %q", run)
	}
	for _, c := range of(image, "COPY") {
		if !strings.HasPrefix(c, "--from=build ") {
			t.Errorf("COPY %s does not come from the build", c)
		}
	}
}

// ignored reports whether .dockerignore keeps a file, by its slash path, out of the build.
func ignored(rules []string, file string) bool {
	out := false
	for _, rule := range rules {
		pattern, again := strings.CutPrefix(rule, "!")
		if matches(pattern, file) {
			out = !again
		}
	}
	return out
}

// matches is about the kinds of patterns that our .dockerignore has: *, a name at the top, and **/ before a name.
func matches(pattern, file string) bool {
	parts := strings.Split(file, "/")
	name, anywhere := strings.CutPrefix(pattern, "**/")
	if !anywhere {
		ok, _ := path.Match(pattern, parts[0])
		return ok
	}
	return slices.ContainsFunc(parts, func(part string) bool {
		ok, _ := path.Match(name, part)
		return ok
	})
}

// ignoreRules are the lines of .dockerignore.
func ignoreRules(t *testing.T) (rules []string) {
	t.Helper()
	for line := range strings.Lines(read(t, ".dockerignore")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	return rules
}

func TestIgnored(t *testing.T) {
	rules := ignoreRules(t)
	for file, want := range map[string]bool{
		"go.mod": false, "cmd/registry-server/main.go": false, ".git/HEAD": false, "internal/web/server/server.go": false,
		".env": true, "README.md": true, "bin/registry-server": true, "internal/infra/image_test.go": true, "internal/format/zig/testdata/a/b": true,
		".registry/metadata.db": true, "storage.json": true,
	} {
		if got := ignored(rules, file); got != want {
			t.Errorf("%s is ignored: %t", file, got)
		}
	}
}
