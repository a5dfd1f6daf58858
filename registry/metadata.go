package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/kv/dynamokv"
)

// DynamoDB names a table of DynamoDB, or of a server that speaks its protocol. Credentials are found as by every
// program of AWS.
type DynamoDB struct {
	Table    string `json:"table"`             // empty: none
	Region   string `json:"region,omitzero"`   // default: what AWS's own configuration says, else us-east-1
	Endpoint string `json:"endpoint,omitzero"` // URL of a server that is not Amazon's
	Create   bool   `json:"-"`                 // make the table if there is none
}

// In the data folder, the embedded store of metadata, or a note of where metadata is instead.
const (
	metadataFile = "metadata.db"
	metadataNote = "metadata.json"
)

// tableTimeout is how long the start waits for the table, which may have to be made.
const tableTimeout = 3 * time.Minute

// openMetadata opens the store that the data folder's metadata is in, and tells which it is.
func openMetadata(c Config) (kv.Walker, DynamoDB, error) {
	table, err := chooseTable(c)
	if err != nil {
		return nil, DynamoDB{}, err
	}
	if table.Table == "" {
		db, err := boltkv.Open(filepath.Join(c.DataDir, metadataFile), boltkv.Options{Now: c.Now})
		if err != nil {
			return nil, DynamoDB{}, fmt.Errorf("opening the metadata in %s: %w", c.DataDir, err)
		}
		return db, DynamoDB{}, nil
	}
	db, err := openTable(c, table)
	if err != nil {
		return nil, DynamoDB{}, err
	}
	if err := checkMoved(c, table, db); err != nil {
		return nil, DynamoDB{}, errors.Join(err, db.Close())
	}
	if err := noteTable(c.DataDir, table); err != nil {
		return nil, DynamoDB{}, errors.Join(fmt.Errorf("noting the table in the data folder: %w", err), db.Close())
	}
	return db, table, nil
}

func openTable(c Config, table DynamoDB) (*dynamokv.DB, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tableTimeout)
	defer cancel()
	return dynamokv.Open(ctx, dynamokv.Options{
		Table: table.Table, Region: table.Region, Endpoint: table.Endpoint, Create: table.Create, Now: c.Now, Log: c.Log, Retried: c.retried("metadata"),
	})
}

// chooseTable returns the table to use, none for the data folder itself: what Config says, else what the folder
// remembers. A folder keeps to where its metadata is: elsewhere everything that was published would seem gone.
func chooseTable(c Config) (DynamoDB, error) {
	noted, err := notedTable(c.DataDir)
	switch {
	case err != nil || c.DynamoDB.Table == "":
		return noted, err
	case noted.Table == "" && c.DynamoDB.Table == InFolder:
		return DynamoDB{}, nil
	case noted.Table != "" && c.DynamoDB.Table == InFolder:
		return DynamoDB{}, fault.New(fault.Invalid, "the metadata of the data folder %s is in the table %q; leave DYNAMODB_TABLE out, or move it here with: registry-server migrate --from dynamodb --to local", c.DataDir, noted.Table)
	case noted.Table != "" && noted.Table != c.DynamoDB.Table:
		return DynamoDB{}, fault.New(fault.Invalid, "the metadata of the data folder %s is in the table %q, not in %q; leave DYNAMODB_TABLE out, choose another folder with --data (REGISTRY_DATA), or, if you mean to leave the table, remove %s",
			c.DataDir, noted.Table, c.DynamoDB.Table, filepath.Join(c.DataDir, metadataNote))
	case noted.Table != "":
		return c.DynamoDB, nil
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, metadataFile)); err == nil {
		return DynamoDB{}, fault.New(fault.Invalid, "the metadata of the data folder %s is in the folder itself, in %s; leave DYNAMODB_TABLE out, choose an empty folder with --data (REGISTRY_DATA), or move it with: registry-server migrate --from local --to dynamodb --dynamodb-table %s",
			c.DataDir, metadataFile, c.DynamoDB.Table)
	}
	return c.DynamoDB, nil
}

// notedTable is the table that noteTable noted; none if there is no note.
func notedTable(data string) (t DynamoDB, err error) {
	file := filepath.Join(data, metadataNote)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return DynamoDB{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err == nil && t.Table == "" {
		err = errors.New("it names no table")
	}
	if err != nil {
		return DynamoDB{}, fmt.Errorf("reading where metadata is, in %s: %w", file, err)
	}
	return t, nil
}

// noteTable lets the commands that administer the data folder find the table.
func noteTable(data string, t DynamoDB) error {
	t.Create = false
	if noted, err := notedTable(data); err == nil && noted == t {
		return nil
	}
	return writeNote(filepath.Join(data, metadataNote), t)
}
