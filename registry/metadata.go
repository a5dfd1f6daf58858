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

// openMetadata opens the store that the data folder's metadata is in.
func openMetadata(c Config) (kv.DB, error) {
	table, err := chooseTable(c)
	if err != nil {
		return nil, err
	}
	if table.Table == "" {
		db, err := boltkv.Open(filepath.Join(c.DataDir, metadataFile), boltkv.Options{Now: c.Now})
		if err != nil {
			return nil, fmt.Errorf("opening the metadata in %s: %w", c.DataDir, err)
		}
		return db, nil
	}
	if c.S3.Bucket == "" && !c.SameStorage {
		c.Log.Warn("metadata is in a table that other servers may share, but the bytes of packages are in this server's data folder, where no other finds them; set S3_BUCKET", "table", table.Table)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tableTimeout)
	defer cancel()
	db, err := dynamokv.Open(ctx, dynamokv.Options{
		Table: table.Table, Region: table.Region, Endpoint: table.Endpoint, Create: table.Create, Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := noteTable(c.DataDir, table); err != nil {
		return nil, errors.Join(fmt.Errorf("noting the table in the data folder: %w", err), db.Close())
	}
	return db, nil
}

// chooseTable returns the table to use, none for the data folder itself. A folder keeps to where its metadata is:
// elsewhere everything that was published would seem gone.
func chooseTable(c Config) (DynamoDB, error) {
	noted, err := notedTable(c.DataDir)
	if err != nil || c.SameStorage {
		return noted, err
	}
	note := filepath.Join(c.DataDir, metadataNote)
	if noted.Table != "" && noted.Table != c.DynamoDB.Table {
		return DynamoDB{}, fault.New(fault.Invalid, "the metadata of the data folder %s is in the table %q; set DYNAMODB_TABLE to that, choose another folder with --data (REGISTRY_DATA), or, if you mean to leave the table, remove %s",
			c.DataDir, noted.Table, note)
	}
	file := filepath.Join(c.DataDir, metadataFile)
	if _, err := os.Stat(file); c.DynamoDB.Table != "" && err == nil {
		return DynamoDB{}, fault.New(fault.Invalid, "the metadata of the data folder %s is in the folder itself, in %s; unset DYNAMODB_TABLE, choose an empty folder with --data (REGISTRY_DATA), or, if nothing in it is of use, move that file away", c.DataDir, metadataFile)
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
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(data, metadataNote+".new")
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(data, metadataNote))
}
