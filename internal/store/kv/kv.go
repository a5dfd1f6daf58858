// Package kv is the contract of the metadata stores: ordered rows in
// partitions with atomic conditional batches, the shape of DynamoDB. Drivers
// live beside it (boltkv, ...) and all pass kvtest.
//
// The laws:
//  1. A row is a value under (partition, sort). Get reads one row, Scan reads one partition in byte order of sort.
//  2. Apply is atomic: every op of a batch happens or none. All conditions are judged before anything is written.
//     Who has seen one row of a batch finds all of them in every read begun after that. (DynamoDB promises it only
//     once Apply has returned: who keeps what it read of rows that go together reads them again a second later.)
//  3. When Apply returns nil the batch is durable: a crash right after loses nothing.
//  4. A lost condition fails the batch with a *ConflictError that names the key of the first lost one;
//     errors.Is(err, ErrConflict). An absent row equals nothing, not even an empty Old.
//  5. A row is absent for Get, Scan and conditions from its Expires on, whether or not its bytes are gone yet.
//  6. Reads see every batch acknowledged before they began. A Scan is no snapshot: of what is written while it
//     runs it may yield a part, a row that stays is yielded exactly once.
//  7. ErrConflict, ErrLimit and ErrClosed mean that nothing was written. After any other error the batch may
//     have happened: read, or repeat it with a condition.
//  8. A cancelled ctx fails a read, and a batch that the store has not taken up yet.
//  9. Every method is safe for concurrent use. After Close every call fails with ErrClosed; Close again is fine.
package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// The bounds of the contract, those of DynamoDB's TransactWriteItems and items.
const (
	MaxBatch      = 100       // ops in one Apply; none at all is fine
	MaxBatchBytes = 3 << 20   // bytes of one Apply: all keys, values and olds (DynamoDB: 4 MB with its overhead)
	MaxKey        = 1024      // bytes of a partition or sort, each at least 1; of a sort, one above 127 counts twice
	MaxValue      = 256 << 10 // bytes of a value
)

// The errors of a DB, to be tested with errors.Is.
var (
	ErrNotFound = errors.New("row not found")
	ErrConflict = errors.New("condition lost")
	// ErrLimit: a key, op, batch or query beyond the bounds above, or two ops on one key.
	ErrLimit = errors.New("beyond the store's limits")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("store is in use by another process")
	// ErrClosed: the call came after Close.
	ErrClosed = errors.New("store is closed")
)

// ConflictError says which condition of a batch was lost.
type ConflictError struct{ Key Key }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%v at %s", ErrConflict, e.Key)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Key addresses a row. Neither part may be empty or hold a NUL byte; any other byte is fine.
type Key struct{ Partition, Sort string }

func (k Key) String() string { return k.Partition + " / " + k.Sort }

// Row is a stored value, which may be empty. A counter is a row whose value is
// the shortest decimal text of an int64.
type Row struct {
	Key
	Value   []byte
	Expires time.Time // zero: never; cut to whole seconds
}

// OpKind says what an Op does.
type OpKind int

// The kinds of ops.
const (
	OpPut    OpKind = iota // write the row, whatever is there
	OpPutNew               // write the row if there is none
	OpSwap                 // write the row if the value there equals Old
	OpDelete               // remove the row; absent is fine
	OpDrop                 // remove the row if the value there equals Old
	OpCheck                // write nothing; the value there must equal Old
	OpAdd                  // add Delta to the counter there, absent is 0; its Expires becomes Row.Expires, or stays if that is zero
)

// Op is one step of a batch; make it with the functions below.
type Op struct {
	Kind  OpKind
	Row   Row
	Old   []byte
	Delta int64
}

// Put writes a row.
func Put(r Row) Op { return Op{Kind: OpPut, Row: r} }

// PutNew writes a row where none is.
func PutNew(r Row) Op { return Op{Kind: OpPutNew, Row: r} }

// Swap writes a row over one whose value is old.
func Swap(old []byte, r Row) Op { return Op{Kind: OpSwap, Row: r, Old: old} }

// Delete removes a row.
func Delete(k Key) Op { return Op{Kind: OpDelete, Row: Row{Key: k}} }

// Drop removes a row whose value is old.
func Drop(old []byte, k Key) Op { return Op{Kind: OpDrop, Row: Row{Key: k}, Old: old} }

// Check lets the batch happen only if the row's value is old.
func Check(old []byte, k Key) Op { return Op{Kind: OpCheck, Row: Row{Key: k}, Old: old} }

// Add adds delta to a counter. A row that is no counter, or a sum beyond int64,
// is a lost condition.
func Add(k Key, delta int64) Op { return Op{Kind: OpAdd, Row: Row{Key: k}, Delta: delta} }

// AddUntil is Add to a counter that expires, from then on at the time given.
func AddUntil(k Key, delta int64, expires time.Time) Op {
	return Op{Kind: OpAdd, Row: Row{Key: k, Expires: expires}, Delta: delta}
}

// Query bounds a Scan.
type Query struct {
	Prefix string // only sorts with this prefix
	After  string // only sorts above this one; empty: from the first
	Limit  int    // at most this many rows; 0: no limit
}

// DB keeps rows.
type DB interface {
	// Get reads a row; ErrNotFound if it is absent.
	Get(ctx context.Context, k Key) (Row, error)
	// Scan yields rows of one partition in order; an error ends it.
	Scan(ctx context.Context, partition string, q Query) iter.Seq2[Row, error]
	// Apply writes a batch. It does not keep or change the ops' bytes.
	Apply(ctx context.Context, ops ...Op) error
	// Close waits for the batches that were taken up.
	Close() error
}

// Walker is a DB that can yield all it has, for copies of a whole store. Law 6 holds for Walk as for Scan.
type Walker interface {
	DB
	// Walk yields every row, in an order of the store's own which stays the same: from the first, or after a key that
	// a walk has yielded, though its row be gone. An error ends it.
	Walk(ctx context.Context, after Key) iter.Seq2[Row, error]
}
