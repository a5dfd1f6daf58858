// Package lumentree writes, reads and checks Lumen registries as plain trees of files: on disk, in a bucket, or over HTTP.
//
// An export writes what is referred to before what refers to it: artifacts, signatures, keys, metadata, package indexes, the
// checkpoint, index.json. Each file is replaced in one step, and files that are no longer part of the tree go last. A client sees
// a whole registry at every moment, also if the export is killed.
//
// A verifier sees more than a client: the signed checkpoint is over all package indexes, and they can't change in the moment in
// which it does. So before the first of them is replaced, checkpoint.next.json says what is coming: the checkpoint that is there and
// the one that replaces it, each with its signature and the digests of its package indexes. While that file is there, a package index is good if
// it is that of the present checkpoint or of a later one that is signed. It goes when index.json is written. An export that was killed
// leaves it, and the next one adds to it.
package lumentree
