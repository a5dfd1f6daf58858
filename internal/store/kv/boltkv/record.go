package boltkv

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

const (
	rowsBucket   = "rows"
	expiryBucket = "expiry"

	stampSize = 8 // bytes of an Expires
)

// record is a row as it is stored. Its value may belong to bbolt: it is good
// until the transaction ends or writes.
type record struct {
	expires int64 // Unix seconds; 0: never
	value   []byte
	absent  bool // there is none
}

func recordOf(r kv.Row) record {
	if r.Expires.IsZero() {
		return record{value: r.Value}
	}
	return record{expires: max(r.Expires.Unix(), 1), value: r.Value} // 1 is as long past as any time before it
}

func decode(key, stored []byte) (record, error) {
	if len(stored) < stampSize {
		return record{}, fmt.Errorf("the stored row %q is damaged: %d bytes", key, len(stored))
	}
	return record{
		expires: int64(binary.BigEndian.Uint64(stored)),
		value:   stored[stampSize:],
	}, nil
}

func (r record) encode() []byte {
	b := make([]byte, 0, stampSize+len(r.value))
	b = binary.BigEndian.AppendUint64(b, uint64(r.expires))
	return append(b, r.value...)
}

// liveAt reports whether the row is there at Unix second now.
func (r record) liveAt(now int64) bool { return r.expires == 0 || now < r.expires }

// row copies the record.
func (r record) row(k kv.Key) kv.Row {
	row := kv.Row{Key: k, Value: append([]byte{}, r.value...)}
	if r.expires != 0 {
		row.Expires = time.Unix(r.expires, 0).UTC()
	}
	return row
}

// partitionPrefix is what the stored keys of a partition begin with.
func partitionPrefix(partition string) string { return partition + "\x00" }

func storedKey(k kv.Key) []byte { return []byte(partitionPrefix(k.Partition) + k.Sort) }

func sortOf(stored []byte) string {
	_, sort, _ := strings.Cut(string(stored), "\x00")
	return sort
}

// expiryKey is the index entry of a row; entries sort by the time they are due.
func expiryKey(expires int64, rowKey []byte) []byte {
	b := make([]byte, 0, stampSize+len(rowKey))
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	return append(b, rowKey...)
}
