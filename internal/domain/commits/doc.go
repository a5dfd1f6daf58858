// Package commits knows commit publishes: the packages built from one commit
// of one repository, the refs that point at them, and when they end.
//
// How a publish becomes visible: its package rows are staged under a publish id
// of its own, in batches; one last conditional write to the commit's head row
// makes all of them visible together. Rows that no head names are garbage.
//
// How bytes stay alive: each blob has one row that says until when it is held.
// Whoever is about to use a blob extends it first, a publish to the end of its
// commit. The sweeper dooms a blob whose time is over by a conditional write
// that fails if it was extended in between; a doomed blob can't be held until
// its bytes are gone, so bytes are never removed under a publish that counts on
// them.
package commits
