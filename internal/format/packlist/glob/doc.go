// Package glob matches paths as minimatch 10 does with the options that
// npm's ignore-walk gives it: dot, nocase, matchBase and flipNegate.
//
// That is gitignore's look with a shell's patterns: braces are expanded first,
// a pattern without a slash is matched against the last segment of a path at
// any depth, "**" stands for any number of segments, "*", "?", classes with
// POSIX names and extglobs work within one segment, letter case never counts.
// JavaScript's view of text shows through: "?" is one UTF-16 code unit, and
// case is folded as regular expressions with the i flag fold it.
//
// Matching never backtracks over a segment: it costs at most pattern length
// times segment length. Segments "." and ".." are not treated apart, since a
// walk never meets them.
package glob
