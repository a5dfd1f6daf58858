package dynamokv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/store/kv"
)

// Apply writes a batch. ctx counts until the first request: after that the answer
// is what became of the batch.
func (db *DB) Apply(ctx context.Context, ops ...kv.Op) error {
	if err := kv.Validate(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := db.begin()
	if err != nil {
		return err
	}
	defer done()
	if len(ops) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.limit)
	defer cancel()
	b := &batch{db: db, ops: ops, expired: make([]bool, len(ops))}
	err = repeat(ctx, db.retried, b.attempt)
	if _, ok := errors.AsType[*kv.ConflictError](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("writing %d rows to the table %s: %w", len(ops), db.table, outage(context.WithoutCancel(ctx), err))
}

// batch is an Apply under way.
type batch struct {
	db      *DB
	ops     []kv.Op
	expired []bool // the OpAdds that begin anew on an expired row
	request func(context.Context) error
	doubt   bool // the request may have happened: no other may follow it
}

// attempt makes the request; again says that one more is of use.
func (b *batch) attempt(ctx context.Context) (again bool, err error) {
	if b.request == nil {
		b.request = b.build()
	}
	err = lostIn(b.request(ctx), len(b.ops))
	if lost, ok := errors.AsType[*lostError](err); ok {
		return b.judge(lost)
	}
	fate := fateOf(err)
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		fate = firstReason(cancelled)
	}
	switch fate {
	case refused:
		if !b.doubt {
			b.request = nil // the next one asks the clock again
		}
		return true, err
	case unknown:
		b.doubt = true
		return b.isTransaction(), err
	}
	return false, err
}

// judge tells lost conditions from counters that have expired, or no more: those are added to in another way.
func (b *batch) judge(lost *lostError) (again bool, err error) {
	now := b.db.now().Unix()
	for _, l := range lost.ops {
		op := b.ops[l.index]
		at, expires := integer(l.found[expiresAttr])
		isExpired := expires && at <= now
		if op.Kind != kv.OpAdd || isExpired == b.expired[l.index] {
			return false, &kv.ConflictError{Key: op.Row.Key}
		}
		b.expired[l.index] = isExpired
	}
	b.request = nil
	return true, fmt.Errorf("counters that expire are in the way: %w", lost)
}

// isTransaction reports whether the batch needs, or has, more than a plain write.
func (b *batch) isTransaction() bool { return len(b.ops) > 1 || b.ops[0].Kind == kv.OpCheck }

// build makes the request of the batch at this moment.
func (b *batch) build() func(context.Context) error {
	now := b.db.now().Unix()
	if !b.isTransaction() {
		return b.single(newWrite(b.ops[0], b.expired[0], now))
	}
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: new(rand.Text())}
	for i, op := range b.ops {
		in.TransactItems = append(in.TransactItems, newWrite(op, b.expired[i], now).item(&b.db.table))
	}
	return func(ctx context.Context) error {
		_, err := b.db.api.TransactWriteItems(ctx, in)
		return err
	}
}

// single makes the request of one op.
func (b *batch) single(w write) func(context.Context) error {
	api, table := b.db.api, &b.db.table
	return func(ctx context.Context) (err error) {
		switch w.op.Kind {
		case kv.OpDelete, kv.OpDrop:
			_, err = api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: table, Key: keyOf(w.op.Row.Key), ConditionExpression: w.condition, ExpressionAttributeValues: w.values,
			})
		case kv.OpAdd:
			_, err = api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: table, Key: keyOf(w.op.Row.Key), UpdateExpression: w.update, ConditionExpression: w.condition,
				ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
		default:
			_, err = api.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: table, Item: itemOf(w.op.Row), ConditionExpression: w.condition, ExpressionAttributeValues: w.values,
			})
		}
		return err
	}
}
