// Package commits knows commit publishes: the packages built from one commit
// of one repository, the refs that point at them, and when they end.
//
// How a publish becomes visible: its package rows are staged under a publish id
// of its own, in batches; one last conditional write to the commit's head row
// makes all of them visible together. Rows that no head names are garbage.
//
// How the preview registry of a repository sees it: the same write lists the
// commit in the repository's partition and raises its revision.
//
// How bytes stay alive: a publish keeps its blobs to the end of its commit
// before it becomes visible; see package lifetime.
//
// A name "zig:NAME" is a package of Zig: a whole archive, checked and hashed as the
// compilers do it. "lumen:@scope/NAME" is one of Lumen, a plain tar. Both are packages of
// their commit like any other, and in no preview registry.
package commits
