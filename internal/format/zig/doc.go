// Package zig knows Zig packages: their manifest build.zig.zon, the hashes by which
// compilers name their content, and archives that every compiler can fetch.
//
// A package's digest covers the files below its root that the manifest's .paths
// includes, whatever archive they came in:
//
//	file   = SHA-256(path 00 00 content)     path with '/', below the root
//	link   = SHA-256(path target)            a symbolic link is never followed
//	digest = SHA-256 of all these, in the byte order of the paths
//
// The root is the one top folder that all entries of an archive share, or the
// archive itself. Zig 0.11 to 0.15 write the digest as "1220" and 64 hex digits (a
// multihash); 0.14 and later as name-version-<44 characters>, which hold the id of
// the manifest's fingerprint, the size of all files and 25 bytes of the digest.
//
// Modes, times and empty folders never count. So an archive can be packed anew: Write
// gives one tar.gz that every compiler from 0.11 on reads, with the same hashes.
package zig
