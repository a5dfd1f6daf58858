// Package forge is the client of GitHub, of the action and of the server: it
// finds the pull requests of a commit, keeps one comment per key on a pull
// request, marks commits, and tells what a run is and what it has attached.
//
// # The sticky comment
//
// A comment of ours begins with two lines that nobody sees: a marker with its
// key, and the state of the run that wrote it. It counts as ours only if the
// identity of our token wrote it, so that a marker in somebody else's comment
// means nothing.
//
// GitHub has neither locks nor conditional writes on comments, so Upsert
// converges instead: read all, act on what is there, read again. The comment
// of the newest run stands (of equals, the one with the lowest id), every
// other one of the same key is deleted by whoever sees it. That order is
// total, so whatever runs race, no run deletes the newest comment, and the
// last to look leaves exactly one. One gap is left: of two runs that edit the
// standing comment within the same request's time, the last one in stands
// until the next run. A workflow's `concurrency` closes it.
package forge
