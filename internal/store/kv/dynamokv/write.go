package dynamokv

import (
	"math"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/store/kv"
)

// The conditions of law 5: an expired item is as good as none.
const (
	isLive   = "(attribute_not_exists(expiresAt) OR expiresAt > :now)"
	isAbsent = "(attribute_not_exists(PK) OR expiresAt <= :now)"
)

// write is an op in the words of DynamoDB.
type write struct {
	op        kv.Op
	update    *string // of OpAdd
	condition *string // nil: none
	values    item    // what the two are about
}

// newWrite says what op is at Unix second now; anew, that an OpAdd begins anew over an expired row.
func newWrite(op kv.Op, anew bool, now int64) write {
	w := write{op: op}
	switch op.Kind {
	case kv.OpPutNew:
		w.condition, w.values = new(isAbsent), item{":now": number(now)}
	case kv.OpSwap, kv.OpDrop, kv.OpCheck:
		name, old := valueOf(op.Old)
		w.condition, w.values = new(name+" = :old AND "+isLive), item{":old": old, ":now": number(now)}
	case kv.OpAdd:
		w.add(anew, now)
	}
	return w
}

func (w *write) add(anew bool, now int64) {
	w.values = item{":delta": number(w.op.Delta), ":now": number(now)}
	until := w.op.Row.Expires
	if !until.IsZero() {
		w.values[":until"] = expiryOf(w.op.Row)
	}
	if anew {
		w.update, w.condition = new("SET n = :delta REMOVE v, expiresAt"), new("expiresAt <= :now")
		if !until.IsZero() {
			w.update = new("SET n = :delta, expiresAt = :until REMOVE v")
		}
		return
	}
	counter := isLive + " AND attribute_exists(n)"
	switch delta := w.op.Delta; {
	case delta > 0:
		counter += " AND n <= :bound"
		w.values[":bound"] = number(math.MaxInt64 - delta)
	case delta < 0:
		counter += " AND n >= :bound"
		w.values[":bound"] = number(math.MinInt64 - delta)
	}
	w.update = new("ADD n :delta")
	if !until.IsZero() {
		w.update = new("ADD n :delta SET expiresAt = :until")
	}
	w.condition = new("attribute_not_exists(PK) OR (" + counter + ")")
}

// item is the write as a part of a transaction.
func (w write) item(table *string) types.TransactWriteItem {
	key := keyOf(w.op.Row.Key)
	switch w.op.Kind {
	case kv.OpDelete, kv.OpDrop:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: table, Key: key, ConditionExpression: w.condition, ExpressionAttributeValues: w.values,
		}}
	case kv.OpCheck:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: table, Key: key, ConditionExpression: w.condition, ExpressionAttributeValues: w.values,
		}}
	case kv.OpAdd:
		return types.TransactWriteItem{Update: &types.Update{
			TableName: table, Key: key, UpdateExpression: w.update, ConditionExpression: w.condition,
			ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	default:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: itemOf(w.op.Row), ConditionExpression: w.condition, ExpressionAttributeValues: w.values,
		}}
	}
}
