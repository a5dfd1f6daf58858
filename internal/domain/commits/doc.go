// Package commits knows commit publishes: the packages built from one commit
// of one repository, the refs that point at them, and when they end.
//
// How a publish becomes visible: its package rows are staged under a publish id
// of its own, in batches; one last conditional write to the commit's head row
// makes all of them visible together. Rows that no head names are garbage.
//
// How bytes stay alive: a blob is kept while a row refers to it or a hold on it
// has not ended. Whoever is about to refer to a blob takes a hold first. The
// sweeper dooms a blob by a conditional write that fails if a hold was taken in
// between; a doomed blob can't be held until its bytes are gone, so bytes are
// never removed under a publish that counts on them.
package commits
