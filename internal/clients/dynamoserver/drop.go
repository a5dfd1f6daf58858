package dynamoserver

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Drop removes a table, protected or not; one that is not there is fine. moto copies the rows of all tables for every
// transaction, so those of tests that are over slow down all others.
func (s *Server) Drop(ctx context.Context, table string) error {
	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err := db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: aws.Bool(false)})
	if err == nil {
		_, err = db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	}
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil
	}
	return err
}
