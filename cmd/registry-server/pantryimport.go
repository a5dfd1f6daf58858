package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/foreign/pantry"
)

type importPantry struct {
	importing
	Dir string `arg:"" optional:"" type:"path" help:"Pantry's .registry folder, with metadata.json and tarballs. Not with --table."`

	Table          string `placeholder:"TABLE" group:"Source" help:"Pantry's table of DynamoDB."`
	TableEndpoint  string `placeholder:"URL" group:"Source" help:"A server of DynamoDB's protocol that is not Amazon's, which has the table."`
	Bucket         string `placeholder:"BUCKET" group:"Source" help:"Pantry's bucket of S3."`
	Prefix         string `placeholder:"PATH" group:"Source" help:"What Pantry's keys in the bucket begin with. Default: nothing."`
	BucketEndpoint string `placeholder:"URL" group:"Source" help:"A server of S3's protocol that is not Amazon's, which has the bucket."`
	BucketInPath   bool   `group:"Source" help:"The bucket stands in the path of URLs, not in the host."`
	Region         string `placeholder:"REGION" group:"Source" help:"Region of the table and the bucket. Default: as AWS's own configuration says, else us-east-1."`
}

// Help explains more than the line of the list of commands.
func (importPantry) Help() string {
	return strings.TrimSpace(`Reads the metadata and tarballs of a Pantry registry: from its folder, or from its table of DynamoDB and its bucket of S3,
of which nothing is changed. Their credentials are found as by every program of AWS; they need dynamodb:Scan and dynamodb:Query,
s3:GetObject and s3:ListBucket.

  registry-server import pantry ./.registry --data /var/lib/registry
  registry-server import pantry --table pantry-registry-production-metadata --bucket pantry-registry-production-packages \
    --region us-east-1 --data /var/lib/registry` + importHelp)
}

// Validate refuses a source that is named twice, or by half.
func (c importPantry) Validate() error {
	if err := c.importing.Validate(); err != nil {
		return err
	}
	switch {
	case c.Dir == "" && c.Table == "":
		return errors.New("name what to import: Pantry's .registry folder, or its table with --table and its bucket with --bucket")
	case c.Dir != "" && (c.Table != "" || c.Bucket != ""):
		return errors.New("a folder and a table (--table, --bucket) are two registries; import one after the other")
	case c.Table != "" && c.Bucket == "":
		return errors.New("the tarballs of the table's packages are in a bucket; name it with --bucket")
	case c.TableEndpoint != "" && !isURL(c.TableEndpoint):
		return fmt.Errorf("%q is not the URL of a server; give --table-endpoint one such as https://dynamodb.example.com", c.TableEndpoint)
	case c.BucketEndpoint != "" && !isURL(c.BucketEndpoint):
		return fmt.Errorf("%q is not the URL of a server; give --bucket-endpoint one such as https://s3.example.com", c.BucketEndpoint)
	}
	return nil
}

func (c importPantry) prepare(ctx context.Context, _ streams) (command, func() error, error) {
	if c.Table != "" {
		return c.prepareTable(ctx)
	}
	folder, err := pantry.Open(c.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", c.Dir, err)
	}
	c.source = local{folder}
	return c, folder.Close, nil
}

func (c importPantry) prepareTable(ctx context.Context) (command, func() error, error) {
	table, err := pantry.OpenTable(ctx, pantry.Remote{
		Table: c.Table, TableEndpoint: c.TableEndpoint, Bucket: c.Bucket, Prefix: c.Prefix, BucketEndpoint: c.BucketEndpoint,
		PathStyle: c.BucketInPath, Region: c.Region, MaxArchive: c.limit(),
	})
	if err != nil {
		return nil, nil, err
	}
	c.source = pantryTable{table}
	return c, func() error { return nil }, nil
}

// pantryTable is a source that is a table and a bucket.
type pantryTable struct{ *pantry.Table }

func (t pantryTable) Open(ctx context.Context, file string) (archive, error, error) {
	f, problem, err := t.Table.Open(ctx, file)
	return f, problem, err
}
