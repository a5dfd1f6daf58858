package runner

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Level is the kind of an annotation.
type Level string

// The levels that the runner shows on the run's page.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Error   Level = "error"
)

const (
	// maxMessage is where the runner cuts an annotation, in characters.
	maxMessage = 4096
	// maxAnnotations is how many of one level the runner keeps of a step.
	maxAnnotations = 10
)

// Position says what an annotation is about. All fields are optional.
type Position struct {
	Title string
	File  string // slash-separated, relative to the repository's root
	Line  int    // from 1
	Col   int    // from 1
}

// Debugf writes a line that is shown only when debug logging is on; outside
// Actions it writes nothing.
func (r *Runner) Debugf(format string, args ...any) {
	if r.InActions() {
		r.command("debug", nil, fmt.Sprintf(format, args...))
	}
}

// Noticef annotates the run with a notice.
func (r *Runner) Noticef(format string, args ...any) {
	r.Annotate(Notice, Position{}, fmt.Sprintf(format, args...))
}

// Warningf annotates the run with a warning.
func (r *Runner) Warningf(format string, args ...any) {
	r.Annotate(Warning, Position{}, fmt.Sprintf(format, args...))
}

// Errorf annotates the run with an error. It does not fail the step.
func (r *Runner) Errorf(format string, args ...any) {
	r.Annotate(Error, Position{}, fmt.Sprintf(format, args...))
}

// Annotate writes an annotation. The runner keeps ten of a level and cuts a
// message at 4096 characters; what is over the first becomes a plain log line,
// what is over the second is cut here, with an ellipsis.
func (r *Runner) Annotate(level Level, p Position, message string) {
	message = cut(message, maxMessage)
	if !r.InActions() || !r.admit(level) {
		r.line(string(level) + ": " + flat(message))
		return
	}
	r.command(string(level), p.properties(), message)
}

// Group opens a foldable group of log lines. Groups do not nest.
func (r *Runner) Group(title string) {
	if !r.InActions() {
		r.line(flat(title))
		return
	}
	r.command("group", nil, title)
}

// EndGroup closes the group.
func (r *Runner) EndGroup() {
	if r.InActions() {
		r.command("endgroup", nil, "")
	}
}

// AddMask has the runner hide a secret in the log: the whole, and each line
// of it, for logs are masked line by line. Outside Actions it does nothing:
// the command itself shows the secret.
func (r *Runner) AddMask(secret string) {
	if !r.InActions() {
		return
	}
	seen := map[string]bool{"": true}
	mask := func(s string) {
		if !seen[s] {
			seen[s] = true
			r.command("add-mask", nil, s)
		}
	}
	mask(strings.TrimSpace(secret))
	for line := range strings.Lines(secret) {
		mask(strings.TrimSpace(line))
	}
}

// admit counts an annotation and reports whether the runner would keep it.
func (r *Runner) admit(level Level) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.annotations[level]++
	return r.annotations[level] <= maxAnnotations
}

type property struct{ name, value string }

func (p Position) properties() []property {
	var props []property
	add := func(name, value string) {
		if value != "" && value != "0" {
			props = append(props, property{name, value})
		}
	}
	add("title", p.Title)
	add("file", p.File)
	add("line", strconv.Itoa(p.Line))
	add("col", strconv.Itoa(p.Col))
	return props
}

// command writes ::name key=value,key=value::data, escaped so that neither a
// value nor the data can end the line or the command.
func (r *Runner) command(name string, props []property, data string) {
	var b strings.Builder
	b.WriteString("::" + name)
	for i, p := range props {
		sep := ","
		if i == 0 {
			sep = " "
		}
		b.WriteString(sep + p.name + "=" + escapeProperty(p.value))
	}
	b.WriteString("::" + escapeData(data))
	r.line(b.String())
}

func (r *Runner) line(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A log that cannot be written has nowhere to say so.
	_, _ = fmt.Fprintln(r.out, s)
}

func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// flat keeps a plain line plain: a line break would let what follows be read
// as a command.
func flat(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == '\r' || c == '\n' }), " | ")
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
