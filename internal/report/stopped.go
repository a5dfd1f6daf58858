package report

import (
	"fmt"
	"strings"
)

// stoppedMark begins the line that Stopped puts on top of a comment.
const stoppedMark = "<!-- registry-action:stopped -->"

// Refused is the summary of a run that published nothing, although it did nothing wrong.
func Refused(sha, why string) string {
	return fmt.Sprintf("### Nothing was published of `%.10s`\n\n%s\n\nThe run does not fail for it (`fail-on-fork: true` has it fail).", sha, code(why[:min(len(why), 4*maxWord)]))
}

// Stopped is a comment with a line on top that says that the publish of a later
// commit was stopped; it takes the place of an earlier such line.
func Stopped(r Report, comment string) string {
	if strings.HasPrefix(comment, stoppedMark) {
		_, comment, _ = strings.Cut(comment, "\n\n")
	}
	run := "run"
	if r.JobURL != "" {
		run = fmt.Sprintf("[run](%s)", r.JobURL)
	}
	return fmt.Sprintf("%s⚠️ The %s that publishes `%.10s` was stopped; what follows is of an earlier commit.\n\n%s", stoppedMark, run, r.SHA, comment)
}
