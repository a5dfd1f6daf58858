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
// A head that mentions its commit has holes, so that all commits share it too.
// Each of them is a stored deflate block of its own, with the 40 or 64 digits of
// the whole SHA, or the 10 of the preview version:
//
//	head  = run { hole run }
//	run   = deflate blocks, then the 3 bits of a stored block and zeros to the byte's end
//	hole  = length, ^length (16 bits each, little-endian), digits
//
// The last run ends with a sync flush. Runs share one window, in which the bytes
// of holes are 0xFF so that no match reaches into one. What is stored is the
// template: "<commit10>" stands for 10 digits, "<commit>" five or eight times for
// 40 or 64. FillHead puts the digits of a commit in their place, byte for byte
// what packing that commit's manifest gives, with no compressor at work.
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
// The package does no network and keeps nothing proportional to a file's size in memory, but for
// a package.json.
package tarball
