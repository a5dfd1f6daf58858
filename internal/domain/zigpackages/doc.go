// Package zigpackages knows published Zig packages: versions that stay, found by
// name or by the hash that compilers print.
//
// What is published is unpacked, checked and packed anew into one archive that
// every compiler reads; that archive is kept and served. A version never changes;
// one that is yanked is no longer the latest and no longer listed by default, and can
// still be fetched. The first publisher owns a name, and its fingerprint id is the name's for good.
//
// Names that differ in '-' and '_' or case only are one name, shown as the manifest has it.
// Versions that differ in build metadata only are different versions, as they are in Zig's
// hash, and equal in order: the later one is the higher.
//
// A package has a head row with a revision that every write raises; a version has a row of its own. Every write is
// one batch that holds only if the head is still what it was, so that of two at once one starts anew. A publish makes
// the bytes durable first, then writes the version, its hashes, the head and the pin of the bytes in one batch.
package zigpackages
