// Package feed is the change feed of a registry: rows that say which packages were changed, so that every server on one
// store learns of it and can renew what it has made of them.
//
// The laws:
//  1. Changed goes into the same batch as the change: who sees its row finds the change (law 2 of package kv). It is one
//     row however many names the batch changes, so that a batch that was full of packages stays within the store's bounds.
//  2. Follow delivers every change whose row has been written since the time given, at least once. A change is a name, not
//     what became of it: the follower reads that itself, and finds what is there then or something newer.
//  3. The order of changes is not kept, and some come twice; what followers do with them can be repeated.
//  4. A row is found although its writer's clock is up to Skew off, or its batch was under way for up to Skew. If it is
//     only off by Near, it is found with the next look; else within LookBack.
//  5. Rows live for TTL. Who was away longer gets ErrGone, and has to look at everything once.
//  6. Where a batch may be seen in part (Options.Settle), each change is delivered once more when it must be there.
//
// Followers look again and again, on every store alike: a look at an idle registry is one small read of one partition.
package feed
