// Package tarball writes and checks npm package archives: gzip-compressed tar
// files whose entries lie under one top folder, "package/".
//
// An archive that we pack is split: one gzip member made of two deflate runs
// that are compressed apart and joined byte for byte,
//
//	header | head | body | trailer
//
// head is the tar entry of package/package.json, ended by a sync flush; body is
// every other entry and the end of the archive, ended by deflate's final block.
// The trailer's CRC-32 is combined from the CRCs of the two runs and its size is
// the sum of their sizes (mod 2^32). A commit that changes only versions changes
// only heads, so bodies are uploaded and stored once.
//
// The tar is npm's: ustar (pax only where a name needs it), regular files only,
// uid and gid 0, no user or group names, mtime 1985-10-26T08:15:00Z, mode
// (mode|0600)&^0022 plus 0111 for bins, two zero blocks at the end.
// The same input gives the same bytes on every machine.
//
// An archive that somebody else made is one gzip member with a tar. Check and
// CheckSplit let pass only what Go, npm's tar and GNU tar read alike and extract
// inside the package's folder; everything else is refused by name and rule.
//
// The package does no network and keeps nothing proportional to a file's size in memory.
package tarball
