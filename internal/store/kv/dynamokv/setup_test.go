package dynamokv

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/fault"
)

// Several servers may start at once on a table that is not there.
func TestCreateAtOnce(t *testing.T) {
	o := Options{Table: newName(), Create: true, Endpoint: endpoint(t)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			ttl, err := db.api.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &o.Table})
			if err != nil || deref(ttl.TimeToLiveDescription.AttributeName) != "expiresAt" {
				t.Errorf("the TTL is %v, %v", ttl, err)
			}
		})
	}
	wg.Wait()
	o.Create = false
	openTable(t, o)
}

func TestRefusedTables(t *testing.T) {
	db := openTable(t, Options{Table: newName(), Create: true})
	suffix := "." + newName()
	makeTable := func(name, hash, sort string, kind types.ScalarAttributeType, ttl string) {
		t.Helper()
		name += suffix
		in := &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &hash, AttributeType: kind}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}},
		}
		if sort != "" {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &sort, AttributeType: kind})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &sort, KeyType: types.KeyTypeRange})
		}
		if _, err := db.api.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if ttl != "" {
			if _, err := db.api.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName: &name, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &ttl, Enabled: new(true)},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	makeTable("without-sort", "PK", "", types.ScalarAttributeTypeS, "")
	makeTable("of-other-names", "id", "at", types.ScalarAttributeTypeS, "")
	makeTable("swapped", "SK", "PK", types.ScalarAttributeTypeS, "")
	makeTable("of-bytes", "PK", "SK", types.ScalarAttributeTypeB, "")
	makeTable("with-another-ttl", "PK", "SK", types.ScalarAttributeTypeS, "ttl")
	for table, says := range map[string]string{
		"without-sort": "PK (hash)", "of-other-names": "PK (hash)", "swapped": "PK (hash)", "of-bytes": "PK (hash)",
		"with-another-ttl": "expiresAt", "missing": "DYNAMODB_CREATE", "a bad name!": "",
	} {
		_, err := Open(t.Context(), Options{Table: table + suffix, Endpoint: endpoint(t)})
		if e, ok := fault.Public(err); !ok || !errors.Is(err, fault.Invalid) || !strings.Contains(e.Message, table) || !strings.Contains(e.Message, says) {
			t.Errorf("opening %q: %v", table, err)
		}
	}

	// As the seed makes it: without a TTL it is of use.
	makeTable("without-ttl", "PK", "SK", types.ScalarAttributeTypeS, "")
	openTable(t, Options{Table: "without-ttl" + suffix})
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = Open(t.Context(), Options{Table: "t", Endpoint: "http://" + l.Addr().String()})
	if e, ok := fault.Public(err); !ok || !errors.Is(err, fault.Upstream) || !strings.Contains(e.Message, "DYNAMODB_ENDPOINT") {
		t.Errorf("opening a table of a server that is not there: %v", err)
	}
}

func TestNoCredentials(t *testing.T) {
	o := Options{Table: "t", Endpoint: endpoint(t)}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := Open(t.Context(), o); !errors.Is(err, fault.Invalid) {
		t.Errorf("opening a table without credentials: %v", err)
	}
}
