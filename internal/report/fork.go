package report

import (
	"fmt"
	"regexp"
	"strings"
)

// login is a name of a person or an App at GitHub.
var login = regexp.MustCompile(`^[A-Za-z0-9-]{1,39}(\[bot\])?$`)

// Unreviewed says what a reader of a comment about a fork's packages must know before all else: who has opened the pull
// request, and the packages that run code when they are installed. A login in code notifies nobody.
func Unreviewed(author string, scripts []string) string {
	by := "somebody"
	if login.MatchString(author) {
		by = "`@" + author + "`"
	}
	text := fmt.Sprintf("> **Built from fork code by %s, unreviewed.**", by)
	if len(scripts) > 0 {
		const few = 5
		more := ""
		if len(scripts) > few {
			more = fmt.Sprintf(" and %d more", len(scripts)-few)
			scripts = scripts[:few]
		}
		text += " It runs code when it is installed: `" + strings.Join(scripts, "`, `") + "`" + more + "."
	}
	return text + "\n\n"
}
