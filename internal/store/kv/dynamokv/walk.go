package dynamokv

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/org/registry-action/internal/store/kv"
)

var _ kv.Walker = (*DB)(nil)

// Walk reads the whole table, page by page. It needs the right to dynamodb:Scan, which nothing else does.
func (db *DB) Walk(ctx context.Context, after kv.Key) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		in := &dynamodb.ScanInput{TableName: &db.table, ConsistentRead: new(true), FilterExpression: new(isLive)}
		if after != (kv.Key{}) {
			in.ExclusiveStartKey = keyOf(after)
		}
		for more := true; more; more = len(in.ExclusiveStartKey) > 0 {
			rows, err := db.walkPage(ctx, in)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(kv.Row{}, fmt.Errorf("walking through all rows: %w", err))
				return
			}
		}
	}
}

// walkPage makes one request and leaves in it where the next one begins.
func (db *DB) walkPage(ctx context.Context, in *dynamodb.ScanInput) (rows []kv.Row, err error) {
	now := db.now().Unix()
	in.ExpressionAttributeValues = item{":now": number(now)}
	var out *dynamodb.ScanOutput
	err = db.read(ctx, func(ctx context.Context) (err error) {
		out, err = db.api.Scan(ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	in.ExclusiveStartKey = out.LastEvaluatedKey
	for _, it := range out.Items {
		r, live, err := rowOf(it, now)
		if err != nil {
			return nil, err
		}
		if live {
			rows = append(rows, r)
		}
	}
	return rows, nil
}
