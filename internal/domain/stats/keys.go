package stats

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of statistics is made here. All rows but those of rankings and writers are counters; a day is
// 2006-01-02 in UTC. Names stand in them as they are.
//
//	stats/package/{kind}/{name}     day/{day}                 downloads of the day
//	                                version/{version}         downloads of the version ever
//	                                recent/{version}/{day}    downloads of the version on the day
//	                                last                      when the last one was, in Unix seconds
//	stats/total/{kind}/{shard}      {name}                    downloads ever
//	stats/day/{kind}/{day}/{shard}  {name}                    downloads of the day, once more: rankings read them
//	stats/ranking/{kind}            {day}                     the first names of a day that is over; see ranking
//	stats/clients/{kind}            {day}/{client}            downloads by a client on the day
//	stats/writer                    {id}                      the number of the last batch that a server wrote
//
// What has all names of a kind is spread over shards, so that no partition takes all writes.

const (
	shards = 8

	dayPrefix     = "day/"
	versionPrefix = "version/"
	recentPrefix  = "recent/"
)

// Owns reports whether a row is one of statistics.
func Owns(k kv.Key) bool { return strings.HasPrefix(k.Partition, "stats/") }

func packagePartition(k Kind, name string) string { return "stats/package/" + string(k) + "/" + name }

func dayKey(k Kind, name string, d day) kv.Key {
	return kv.Key{Partition: packagePartition(k, name), Sort: dayPrefix + d.String()}
}

func versionKey(k Kind, name, version string) kv.Key {
	return kv.Key{Partition: packagePartition(k, name), Sort: versionPrefix + version}
}

func recentOf(version string) string { return recentPrefix + version + "/" }

func recentKey(k Kind, name, version string, d day) kv.Key {
	return kv.Key{Partition: packagePartition(k, name), Sort: recentOf(version) + d.String()}
}

func lastKey(k Kind, name string) kv.Key {
	return kv.Key{Partition: packagePartition(k, name), Sort: "last"}
}

func totalPartition(k Kind, shard int) string { return fmt.Sprintf("stats/total/%s/%d", k, shard) }

func totalKey(k Kind, name string) kv.Key {
	return kv.Key{Partition: totalPartition(k, shardOf(name)), Sort: name}
}

func namesPartition(k Kind, d day, shard int) string {
	return fmt.Sprintf("stats/day/%s/%s/%d", k, d, shard)
}

func nameKey(k Kind, d day, name string) kv.Key {
	return kv.Key{Partition: namesPartition(k, d, shardOf(name)), Sort: name}
}

func rankingPartition(k Kind) string { return "stats/ranking/" + string(k) }

func rankingKey(k Kind, d day) kv.Key {
	return kv.Key{Partition: rankingPartition(k), Sort: d.String()}
}

func clientPartition(k Kind) string { return "stats/clients/" + string(k) }

func clientKey(k Kind, d day, client string) kv.Key {
	return kv.Key{Partition: clientPartition(k), Sort: d.String() + "/" + client}
}

func writerKey(id string) kv.Key { return kv.Key{Partition: "stats/writer", Sort: id} }

func shardOf(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % shards)
}
