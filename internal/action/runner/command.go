package runner

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxMessage is where the runner cuts an annotation, in characters.
	maxMessage = 4096
	// maxAnnotations is how many of one level the runner keeps of a step.
	maxAnnotations = 10
)

// Noticef annotates the run with a notice.
func (r *Runner) Noticef(format string, args ...any) {
	r.annotate("notice", fmt.Sprintf(format, args...))
}

// Warningf annotates the run with a warning.
func (r *Runner) Warningf(format string, args ...any) {
	r.annotate("warning", fmt.Sprintf(format, args...))
}

// Errorf annotates the run with an error. It does not fail the step.
func (r *Runner) Errorf(format string, args ...any) {
	r.annotate("error", fmt.Sprintf(format, args...))
}

// annotate writes an annotation. The runner keeps ten of a level and cuts a
// message at 4096 characters; what is over the first becomes a plain log line,
// what is over the second is cut here, with an ellipsis.
func (r *Runner) annotate(level, message string) {
	message = cut(message, maxMessage)
	if !r.InActions() || !r.admit(level) {
		r.line(level + ": " + flat(message))
		return
	}
	r.command(level, message)
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
			r.command("add-mask", s)
		}
	}
	mask(strings.TrimSpace(secret))
	for line := range strings.Lines(secret) {
		mask(strings.TrimSpace(line))
	}
}

// admit counts an annotation and reports whether the runner would keep it.
func (r *Runner) admit(level string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.annotations[level]++
	return r.annotations[level] <= maxAnnotations
}

// command writes ::name::data, escaped so that the data can't end the line.
func (r *Runner) command(name, data string) {
	r.line("::" + name + "::" + strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(data))
}

func (r *Runner) line(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A log that cannot be written has nowhere to say so.
	_, _ = fmt.Fprintln(r.out, s)
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
