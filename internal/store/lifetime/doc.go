// Package lifetime says how long stored things live: holds keep blobs, an
// agenda of hourly buckets tells the sweeper what to look at.
//
// Each blob has one row that says until when it is held. Whoever is about to
// use a blob extends it first: a publish to the end of its commit, a release
// for ever. When its time is over the sweeper dooms the blob by a conditional
// write that fails if it was extended in between; a doomed blob can't be held
// until its bytes are gone, so bytes are never removed under somebody who counts
// on them. There are no reference counts to go wrong.
package lifetime
