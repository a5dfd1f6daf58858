package scrub

// Code says what is wrong.
type Code string

// The codes.
const (
	Missing    Code = "missing"    // the bytes are not there
	Bytes      Code = "bytes"      // the bytes are not those they are stored as
	Unreadable Code = "unreadable" // the store can't read the bytes
	Sums       Code = "sums"       // a row has another size or digest than the bytes
	Archive    Code = "archive"    // the archive is not one that clients unpack
	Manifest   Code = "manifest"   // a row says something else than the archive
	Hash       Code = "hash"       // a row has another hash of the content
	Signature  Code = "signature"  // no good signature
	Reference  Code = "reference"  // a row names something that is not there, or indexes don't agree
	Row        Code = "row"        // a row can't be read
	Hold       Code = "hold"       // the sweeper will remove the bytes, or backups leave them out
)

// Problem is something that is wrong.
type Problem struct {
	Kind     string // "npm", "commit", "zig", "lumen", "key"
	Name     string // what it is about, such as left-pad@1.0.0
	Code     Code
	Blob     string // space and hex digits of the bytes; empty: it is about rows
	Expected string
	Got      string
	Message  string
}

// maxProblems bounds a report.
const maxProblems = 10_000

// shownText bounds what a problem says of a row, in bytes: anything may stand in one that was damaged.
const shownText = 300

func shown(s string) string {
	if len(s) > shownText {
		return s[:shownText] + "…"
	}
	return s
}
