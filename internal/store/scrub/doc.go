// Package scrub reads all that a registry keeps and checks it: that blobs have the digests they are stored under, and
// that rows and bytes say the same of each other. What a row has to be its domain knows, which brings a Checker; what is
// common is here: the walk, the reading of blobs, and the report.
//
// The store may be in use. What is found wrong is looked at again when the walk is over, and reported only if it is
// wrong still: a write that was seen in part is no damage.
//
// Memory does not grow with the store: what was found of blobs is remembered up to a bound, so that a blob that many
// packages share is hashed once, and blobs are streamed.
package scrub
