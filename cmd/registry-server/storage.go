package main

import (
	"strings"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/registry"
)

// storage says where things are kept. Left out, it is where the data folder remembers that they are.
type storage struct {
	S3Bucket    string `name:"s3-bucket" env:"S3_BUCKET" placeholder:"BUCKET" group:"Storage" help:"Bucket of S3 that tarballs are kept in; local: in the data folder. Default: where the data folder has them, else local."`
	S3Prefix    string `name:"s3-prefix" env:"S3_PREFIX" placeholder:"PATH" group:"Storage" help:"What the keys of objects begin with. Default: nothing."`
	S3Region    string `name:"s3-region" env:"S3_REGION,AWS_REGION" placeholder:"REGION" group:"Storage" help:"Region of the bucket. Default: as AWS's own configuration says, else us-east-1."`
	S3Endpoint  string `name:"s3-endpoint" env:"S3_ENDPOINT" placeholder:"URL" group:"Storage" help:"A server of S3's protocol that is not Amazon's."`
	S3PathStyle bool   `name:"s3-force-path-style" env:"S3_FORCE_PATH_STYLE" group:"Storage" help:"The bucket stands in the path of URLs, not in the host."`

	DynamodbTable    string `env:"DYNAMODB_TABLE" placeholder:"TABLE" group:"Storage" help:"Table of DynamoDB that metadata is kept in, for any number of servers; local: in the data folder. Default: where the data folder has it, else local."`
	DynamodbRegion   string `env:"DYNAMODB_REGION,AWS_REGION" placeholder:"REGION" group:"Storage" help:"Region of the table. Default: as AWS's own configuration says, else us-east-1."`
	DynamodbEndpoint string `env:"DYNAMODB_ENDPOINT" placeholder:"URL" group:"Storage" help:"A server of DynamoDB's protocol that is not Amazon's."`
	DynamodbCreate   bool   `env:"DYNAMODB_CREATE" group:"Storage" help:"Make the table, with a TTL, if there is none."`
}

// analytics says which table statistics have, if they have one of their own.
type analytics struct {
	DynamodbAnalyticsTable string `env:"DYNAMODB_ANALYTICS_TABLE" placeholder:"TABLE" group:"Storage" help:"Table of DynamoDB that the statistics of downloads are kept in; local: where other metadata is. Default: where the metadata says that they are, else local."`
}

// table is none if the metadata decides.
func (a analytics) table(o storage) registry.DynamoDB {
	if a.DynamodbAnalyticsTable == "" || a.DynamodbAnalyticsTable == registry.InFolder {
		return registry.DynamoDB{Table: a.DynamodbAnalyticsTable}
	}
	return registry.DynamoDB{Table: a.DynamodbAnalyticsTable, Region: o.DynamodbRegion, Endpoint: o.DynamodbEndpoint, Create: o.DynamodbCreate}
}

// check refuses what no single option shows.
func (o storage) check() error {
	switch {
	case o.S3Endpoint != "" && !isURL(o.S3Endpoint):
		return config.Usagef("%q is not the URL of a server; give S3_ENDPOINT one such as https://s3.example.com", o.S3Endpoint)
	case strings.ContainsAny(o.S3Bucket, "/:"):
		return config.Usagef("%q is not the name of a bucket; give S3_BUCKET the name alone, and what keys begin with as S3_PREFIX", o.S3Bucket)
	case o.DynamodbEndpoint != "" && !isURL(o.DynamodbEndpoint):
		return config.Usagef("%q is not the URL of a server; give DYNAMODB_ENDPOINT one such as https://dynamodb.example.com", o.DynamodbEndpoint)
	}
	return nil
}

// bucket is none if the data folder decides.
func (o storage) bucket() registry.S3 {
	if o.S3Bucket == "" || o.S3Bucket == registry.InFolder {
		return registry.S3{Bucket: o.S3Bucket}
	}
	return registry.S3{Bucket: o.S3Bucket, Prefix: o.S3Prefix, Region: o.S3Region, Endpoint: o.S3Endpoint, PathStyle: o.S3PathStyle}
}

// metadata is no table if the data folder decides.
func (o storage) metadata() registry.DynamoDB {
	if o.DynamodbTable == "" || o.DynamodbTable == registry.InFolder {
		return registry.DynamoDB{Table: o.DynamodbTable}
	}
	return registry.DynamoDB{Table: o.DynamodbTable, Region: o.DynamodbRegion, Endpoint: o.DynamodbEndpoint, Create: o.DynamodbCreate}
}

// serverFolder are the options of the subcommands that may be the first to use a data folder: like the server they are
// told where its things are to be.
type serverFolder struct {
	dataFolder
	storage
}

// stores is what a command that was told where things are has in common with others.
func (f serverFolder) stores() storage { return f.storage }
