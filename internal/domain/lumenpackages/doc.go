// Package lumenpackages knows published Lumen packages: versions that stay, yanks, owners, and the keys that
// sign them. Every document of the static tree is made here, the same bytes for servers and exports.
//
// A version is immutable; one that is yanked stays in the list and can be fetched, and is no longer offered.
// The first publisher of a scope or package owns it.
//
// A package has a head row with a revision that every write raises, so that of two writes at once one starts anew.
// A write renders the documents that it changes and keeps them, or their digests, in the batch that makes it visible;
// it raises the registry's revision too, by which servers know whether the index that they have in memory is the
// present one. A publish makes the bytes durable first.
package lumenpackages
