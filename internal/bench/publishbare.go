package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/clients"
)

// bareReads is how many rows a publish can't do without: the package, the version, its tombstone, who holds the bytes.
const bareReads = 4

// The sizes of the values of the rows that a publish writes, as the server writes them.
const (
	holdValue    = 37
	versionValue = 600
	nameValue    = 165
	headValue    = 150
)

// barePublisher makes the calls of a publish, and nothing else, on a moto of its own: a transaction of moto takes the
// longer the more rows there are.
type barePublisher struct {
	moto   *clients.MotoServer
	table  *dynamodb.Client
	bucket *s3.Client
	rounds int
}

func startBarePublisher(ctx context.Context, stores *farStores) (p *barePublisher, err error) {
	p = &barePublisher{bucket: stores.bucket()}
	if p.moto, err = clients.StartMoto(ctx); err != nil {
		return nil, err
	}
	p.table = dynamodb.NewFromConfig(stores.config, func(o *dynamodb.Options) {
		o.BaseEndpoint, o.DisableValidateResponseChecksum = &p.moto.URL, true
	})
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.moto.Stop())
	}
	return p, nil
}

// prepare makes the table and the packages.
func (p *barePublisher) prepare(ctx context.Context) error {
	_, err := p.table.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: new(farName), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: new("PK"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: new("SK"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: new("PK"), KeyType: types.KeyTypeHash}, {AttributeName: new("SK"), KeyType: types.KeyTypeRange}},
	})
	if err != nil {
		return err
	}
	for i := range farAtOnce {
		_, err := p.table.PutItem(ctx, &dynamodb.PutItemInput{TableName: new(farName), Item: bareItem(barePackage(i), "head", headValue)})
		if err != nil {
			return err
		}
	}
	_, err = p.run(ctx) // as ours has published first versions
	return err
}

func barePackage(i int) string { return fmt.Sprintf("package/@bare/far-%d", i) }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func bareKey(partition, sort string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": text(partition), "SK": text(sort)}
}

func bareItem(partition, sort string, size int) map[string]types.AttributeValue {
	item := bareKey(partition, sort)
	item["v"] = &types.AttributeValueMemberB{Value: bytes.Repeat([]byte("x"), size)}
	return item
}

// run publishes a version of every package.
func (p *barePublisher) run(ctx context.Context) (usage, error) {
	p.rounds++
	blobs := make([][]byte, farAtOnce)
	for i := range blobs {
		blobs[i] = noise(farSize, 1000+farAtOnce*p.rounds+i)
	}
	return timed(func() error {
		return together(ctx, func(ctx context.Context, i int) error { return p.publish(ctx, i, blobs[i]) })
	})
}

func (p *barePublisher) publish(ctx context.Context, i int, blob []byte) error {
	name, sum := barePackage(i), sha256.Sum256(blob)
	digest := hex.EncodeToString(sum[:])
	for range bareReads {
		_, err := p.table.GetItem(ctx, &dynamodb.GetItemInput{TableName: new(farName), Key: bareKey(name, "head"), ConsistentRead: new(true)})
		if err != nil {
			return err
		}
	}
	absent, same := new("attribute_not_exists(PK)"), new("attribute_exists(PK)")
	hold, due := bareItem("blob/packages/"+digest, "hold", holdValue), bareItem("due/of-an-hour", "blob/packages/"+digest, 1)
	if err := p.write(ctx, put(hold, absent), put(due, nil)); err != nil {
		return err
	}
	_, err := p.bucket.PutObject(ctx, &s3.PutObjectInput{
		Bucket: new(farName), Key: new("bare/" + digest[:2] + "/" + digest), Body: bytes.NewReader(blob), ContentLength: new(int64(len(blob))),
		ChecksumSHA256: new(base64.StdEncoding.EncodeToString(sum[:])), IfNoneMatch: new("*"),
	})
	if err != nil {
		return err
	}
	return p.write(ctx,
		put(bareItem(name, fmt.Sprint("version/", p.rounds), versionValue), absent), put(hold, same), put(bareItem("names", name, nameValue), nil),
		put(bareItem(name, "head", headValue), same), put(bareItem("changed/of-a-minute", fmt.Sprint(p.rounds, name), len(name)), nil))
}

func put(item map[string]types.AttributeValue, condition *string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: new(farName), Item: item, ConditionExpression: condition}}
}

func (p *barePublisher) write(ctx context.Context, items ...types.TransactWriteItem) error {
	_, err := p.table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}
