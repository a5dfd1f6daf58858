package report

import "strings"

// Line is the report in a few words, at most 140 bytes, for a commit's status: "3 packages, 1 changed".
func Line(r Report) string {
	if r.nothing() {
		return "nothing has changed, nothing was published"
	}
	text := count(len(r.Packages), "package")
	if r.Base == nil {
		return text
	}
	unnamed := func([]string) string { return "" }
	return text + ", " + strings.ToLower(r.tally(unnamed, ""))
}

// Page is the server's page of the commit, or of the base where nothing was published.
func (r Report) Page() string {
	if r.nothing() {
		r.SHA = r.Base.SHA
	}
	return r.listURL()
}
