// Package dynamokv keeps the rows of the kv contract in one DynamoDB table,
// which any number of servers share.
//
// An item is a row:
//
//	PK, SK     S  partition and sort, see encodeKey
//	v          B  the value, or
//	n          N  the value of a counter: the shortest decimal text of an int64
//	expiresAt  N  Unix seconds; absent: never. The table's TTL attribute
//
// A value that is a counter's text is always stored as n, any other as v, so
// that both a counter and the text of it can be asked for in conditions.
// DynamoDB removes expired items within days: every read and condition
// compares expiresAt with the clock of the server, so the clocks of servers
// must agree to the second.
//
// One op is one request; more are a transaction with an idempotency token, which
// is repeated until its fate is known. One op whose answer is lost is not
// repeated: a condition that then fails could be failing because of the op itself.
//
// Reads are strongly consistent. One thing DynamoDB gives less of than law 2
// asks for: while a transaction is being committed, a moment of milliseconds
// before its Apply returns, a reader that saw one of its rows may find the old
// state of another. Once Apply has returned nobody does.
package dynamokv

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of a call's time.
const (
	callTime    = 15 * time.Second // of a call with all that it repeats
	attemptTime = 5 * time.Second  // of one request
)

// Options say which table. Credentials are found as by every program of AWS.
type Options struct {
	Table    string
	Region   string // empty: what AWS's own configuration says
	Endpoint string // URL of a server that is not Amazon's; empty: Amazon's
	Create   bool   // make the table, and turn its TTL on, if that was not done
	Now      func() time.Time
	Log      *slog.Logger

	Retried func(throttled bool) // is told of every request that is sent once more; nil: nobody
}

// DB is an open table.
type DB struct {
	api   *dynamodb.Client
	table string
	now   func() time.Time
	limit time.Duration // callTime, but in tests

	retried func(throttled bool) // may be nil

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

var _ kv.DB = (*DB)(nil)

// Open checks that the table is there and has the right keys. fault.Invalid says
// that something about it must be changed first.
func Open(ctx context.Context, o Options) (*DB, error) {
	cfg, err := awsconfig.Load(ctx, o.Region)
	if err != nil {
		return nil, err
	}
	if err := awsconfig.CheckCredentials(ctx, cfg); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	api := dynamodb.NewFromConfig(cfg, func(c *dynamodb.Options) {
		c.Retryer = aws.NopRetryer{} // which request may be repeated is decided here
		c.Logger = logging.LoggerFunc(func(_ logging.Classification, format string, args ...any) {
			o.Log.Debug("the client of DynamoDB", "says", fmt.Sprintf(format, args...))
		})
		if o.Endpoint != "" {
			c.BaseEndpoint = &o.Endpoint
			c.DisableValidateResponseChecksum = true // others send none, and each answer would be logged as damaged
		}
	})
	if err := (&setup{api: api, o: o, region: cfg.Region}).run(ctx); err != nil {
		return nil, err
	}
	return &DB{api: api, table: o.Table, now: o.Now, limit: callTime, retried: o.Retried}, nil
}

// Close waits for the calls under way and refuses all others with kv.ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	db.closed = true
	db.mu.Unlock()
	db.calls.Wait()
	return nil
}

// begin counts a call; done must be called at its end.
func (db *DB) begin() (done func(), err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, kv.ErrClosed
	}
	db.calls.Add(1)
	return db.calls.Done, nil
}
