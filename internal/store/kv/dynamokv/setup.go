package dynamokv

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// createTime is how long a new table may take until it is ready.
const createTime = 2 * time.Minute

// setup checks the table before the first row is read, and makes it if it may.
type setup struct {
	api    *dynamodb.Client
	o      Options
	region string
}

func (s *setup) run(ctx context.Context) error {
	table, err := s.describe(ctx)
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); absent && s.o.Create {
		table, err = s.create(ctx)
	}
	if err != nil {
		return s.explain(err)
	}
	if !hasKeys(table) {
		return fault.New(fault.Invalid, "the table %q has other keys than PK (hash) and SK (range), both of type S; name another one (DYNAMODB_TABLE)", s.o.Table)
	}
	return s.checkTTL(ctx)
}

func (s *setup) describe(ctx context.Context) (table *types.TableDescription, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = repeat(ctx, s.o.Retried, func(ctx context.Context) (again bool, err error) {
		out, err := s.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.o.Table})
		if err == nil {
			table = out.Table
		}
		return awsconfig.Status(err) != 0 && (fateOf(err) == refused || fateOf(err) == unknown), err
	})
	return table, err
}

// create makes the table as infrastructure for it would: paid by request, and not deleted by mistake.
func (s *setup) create(ctx context.Context) (*types.TableDescription, error) {
	_, err := s.api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &s.o.Table, BillingMode: types.BillingModePayPerRequest, DeletionProtectionEnabled: new(true),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: new(partitionAttr), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: new(sortAttr), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: new(partitionAttr), KeyType: types.KeyTypeHash},
			{AttributeName: new(sortAttr), KeyType: types.KeyTypeRange},
		},
	})
	if _, other := errors.AsType[*types.ResourceInUseException](err); err != nil && !other { // another server makes it
		return nil, err
	}
	waiter := dynamodb.NewTableExistsWaiter(s.api, func(w *dynamodb.TableExistsWaiterOptions) { w.MinDelay, w.MaxDelay = time.Second, 5*time.Second })
	out, err := waiter.WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: &s.o.Table}, createTime)
	if err != nil {
		return nil, err
	}
	s.o.Log.InfoContext(ctx, "made the table of metadata", "table", s.o.Table, "region", s.region)
	return out.Table, nil
}

func hasKeys(t *types.TableDescription) bool {
	want := map[string]types.KeyType{partitionAttr: types.KeyTypeHash, sortAttr: types.KeyTypeRange}
	for _, k := range t.KeySchema {
		if want[deref(k.AttributeName)] != k.KeyType {
			return false
		}
		delete(want, deref(k.AttributeName))
	}
	for _, a := range t.AttributeDefinitions {
		name := deref(a.AttributeName)
		if (name == partitionAttr || name == sortAttr) && a.AttributeType != types.ScalarAttributeTypeS {
			return false
		}
	}
	return len(want) == 0
}

// checkTTL sees to it that expired items are removed one day. Without, the table only grows.
func (s *setup) checkTTL(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := s.api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &s.o.Table})
	if err != nil {
		s.o.Log.WarnContext(ctx, "can't tell whether the table removes expired items; allow dynamodb:DescribeTimeToLive", "table", s.o.Table, "err", err)
		return nil
	}
	ttl := out.TimeToLiveDescription
	on := ttl != nil && (ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	switch {
	case on && deref(ttl.AttributeName) != expiresAttr:
		return fault.New(fault.Invalid, "the table %q removes items by the attribute %q, but rows expire by %q; change its TTL, or name another table (DYNAMODB_TABLE)",
			s.o.Table, deref(ttl.AttributeName), expiresAttr)
	case on:
		return nil
	case !s.o.Create:
		s.o.Log.WarnContext(ctx, "the table never removes expired items; turn its TTL on, or let DYNAMODB_CREATE=true do it", "table", s.o.Table, "attribute", expiresAttr)
		return nil
	}
	_, err = s.api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &s.o.Table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: new(expiresAttr), Enabled: new(true)},
	})
	if err != nil { // another server may be doing it
		s.o.Log.WarnContext(ctx, "the TTL of the table could not be turned on", "table", s.o.Table, "err", err)
	}
	return nil
}

// explain says what is wrong and what helps.
func (s *setup) explain(err error) error {
	if _, absent := errors.AsType[*types.ResourceNotFoundException](err); absent {
		return fault.Wrap(err, fault.Invalid, "there is no table %q in the region %s; make it, or let the server do it with --dynamodb-create (DYNAMODB_CREATE=true)", s.o.Table, s.region)
	}
	switch status := awsconfig.Status(err); {
	case awsconfig.Code(err) == "AccessDeniedException":
		return fault.Wrap(err, fault.Invalid, "the credentials may not use the table %q; allow dynamodb:DescribeTable, DescribeTimeToLive, GetItem, Query, PutItem, UpdateItem, DeleteItem and ConditionCheckItem on it; with --dynamodb-create also CreateTable and UpdateTimeToLive", s.o.Table)
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		return fault.Wrap(err, fault.Invalid, "DynamoDB refuses to describe the table %q (%s); check its name, the region and the credentials", s.o.Table, awsconfig.Code(err))
	}
	return fault.Wrap(err, fault.Upstream, "DynamoDB can't be reached for the table %q in the region %s; check DYNAMODB_ENDPOINT, the region and the network", s.o.Table, s.region)
}
