// Package packages knows release packages: versions that stay, their dist-tags,
// owners and tombstones, and versions that wait for approval.
//
// A package has a head row with a revision that every write raises; a version
// has a row of its own. Every write is one batch that holds only if the head is
// still what it was, so that of two at once one starts anew. A publish makes the
// bytes durable first, then writes the version, the head and the pin of the bytes
// in one batch. A version is immutable; one that is unpublished leaves a
// tombstone, so that it can come back with the same bytes only.
//
// Names are as they are written: A and a are two packages. Versions that differ
// in build metadata only are one version, as for npm, which drops it.
//
// The archive says what a package is: its name, version and manifest. Of what a
// client says beside it only what can't mislead is kept.
package packages
