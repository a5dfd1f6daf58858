// Package stats counts downloads: of each package and version, ever and by day, the packages of npm, commits, Zig and
// Lumen told apart.
//
// Count only adds to a number in memory. What has come together is written within a second, in batches that can be
// repeated without counting twice: with the counters each writes the number of the batch, and a number is written
// once. Of a killed server that second is lost, of one that is closed nothing. While the store is away the counts wait
// in memory, a bounded number of them.
//
// Nothing is kept of who downloaded. Of the User-Agent only the name of a known client and its major version count, by
// day and for all packages together, and that can be turned off.
//
// Rankings are made without walking over packages: each day has partitions of its own with what was downloaded on it,
// and when it is over its first maxRanked names become one row.
package stats
