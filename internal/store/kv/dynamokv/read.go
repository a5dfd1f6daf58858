package dynamokv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/org/registry-action/internal/store/kv"
)

// Get reads one row.
func (db *DB) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	if err := k.Validate(); err != nil {
		return kv.Row{}, err
	}
	var out *dynamodb.GetItemOutput
	err := db.read(ctx, func(ctx context.Context) (err error) {
		out, err = db.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &db.table, Key: keyOf(k), ConsistentRead: new(true)})
		return err
	})
	var r kv.Row
	live := false
	if err == nil && out.Item != nil {
		r, live, err = rowOf(out.Item, db.now().Unix())
	}
	if err == nil && !live {
		err = kv.ErrNotFound
	}
	if err != nil {
		return kv.Row{}, fmt.Errorf("reading %s: %w", k, err)
	}
	return r, nil
}

// Scan reads the partition page by page.
func (db *DB) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		if err := q.Validate(partition); err != nil {
			yield(kv.Row{}, err)
			return
		}
		for p := newPager(db.table, partition, q); !p.done; {
			rows, err := p.next(ctx, db)
			for _, row := range rows {
				if err = ctx.Err(); err != nil {
					break
				}
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(kv.Row{}, fmt.Errorf("scanning %s: %w", partition, err))
				return
			}
		}
	}
}

// The number of items that a page of a Scan with a limit looks at: expired ones count,
// so it grows if they fill it.
const (
	pageGrowth = 4
	leastGrown = 64
	mostItems  = 1000
)

// pager is the state of a Scan between its requests.
type pager struct {
	query *dynamodb.QueryInput
	left  int // rows still wanted; negative: all
	done  bool
}

func newPager(table, partition string, q kv.Query) *pager {
	in := &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: new(true),
		KeyConditionExpression:    new("PK = :partition"),
		FilterExpression:          new(isLive),
		ExpressionAttributeValues: item{":partition": text(encodeKey(partition))},
	}
	if q.Prefix != "" {
		in.KeyConditionExpression = new("PK = :partition AND begins_with(SK, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = text(encodeKey(q.Prefix))
	}
	p := &pager{query: in, left: -1}
	if q.Limit > 0 {
		p.left = q.Limit
		in.Limit = new(int32(min(q.Limit, mostItems)))
	}
	switch { // a start key must be among what the condition admits, though not in the table
	case q.After != "" && strings.HasPrefix(q.After, q.Prefix):
		in.ExclusiveStartKey = keyOf(kv.Key{Partition: partition, Sort: q.After})
	case q.After > q.Prefix:
		p.done = true
	}
	return p
}

// next reads one page, or nothing with an error.
func (p *pager) next(ctx context.Context, db *DB) (rows []kv.Row, err error) {
	now := db.now().Unix()
	p.query.ExpressionAttributeValues[":now"] = number(now)
	var out *dynamodb.QueryOutput
	err = db.read(ctx, func(ctx context.Context) (err error) {
		out, err = db.api.Query(ctx, p.query)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, it := range out.Items {
		r, live, err := rowOf(it, now)
		if err != nil {
			return nil, err
		}
		if live {
			rows = append(rows, r)
		}
	}
	p.query.ExclusiveStartKey = out.LastEvaluatedKey
	if p.left > 0 {
		rows = rows[:min(len(rows), p.left)]
		p.left -= len(rows)
		p.query.Limit = new(min(max(*p.query.Limit*pageGrowth, leastGrown), mostItems))
	}
	p.done = len(out.LastEvaluatedKey) == 0 || p.left == 0
	return rows, nil
}

// read makes a request, and again while that may help: reading twice does no harm.
func (db *DB) read(ctx context.Context, request func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := db.begin()
	if err != nil {
		return err
	}
	defer done()
	limited, cancel := context.WithTimeout(ctx, db.limit)
	defer cancel()
	err = repeat(limited, db.retried, func(ctx context.Context) (again bool, err error) {
		err = request(ctx)
		fate := fateOf(err)
		return fate == refused || fate == unknown, err
	})
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return outage(ctx, err)
}
