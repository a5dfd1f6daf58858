package wire

import (
	"fmt"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/signature"
)

// AdminPath is where the administration of a server is found below its URL.
const AdminPath = "/-/admin/"

// NewToken is the JSON body of POST /-/admin/tokens.
type NewToken struct {
	Name         string   `json:"name"`
	User         string   `json:"user,omitempty"` // whom it speaks for; empty: the name
	Permission   string   `json:"permission"`     // "read", "publish" or "admin"
	Packages     []string `json:"packages,omitempty"`
	Repositories []string `json:"repositories,omitempty"` // whose commits it may publish
	Grant        bool     `json:"grant,omitempty"`        // packages and repositories may be written whoever owns them
	CIDR         []string `json:"cidr,omitempty"`
	ExpiresIn    int64    `json:"expiresIn,omitempty"` // seconds; 0: never
}

// Token describes a stored token; never its secret.
type Token struct {
	Key          string    `json:"key"`
	Name         string    `json:"name"`
	User         string    `json:"user"`
	Hint         string    `json:"hint"` // its first characters
	Permission   string    `json:"permission"`
	Packages     []string  `json:"packages,omitempty"`
	Repositories []string  `json:"repositories,omitempty"`
	Grant        bool      `json:"grant,omitempty"`
	CIDR         []string  `json:"cidr,omitempty"`
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires,omitzero"`
}

// CreatedToken answers POST /-/admin/tokens.
type CreatedToken struct {
	Secret string `json:"token"` // shown once
	Token  Token  `json:"info"`
}

// Tokens answers GET /-/admin/tokens, newest first.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// Owners answers GET, PUT and DELETE of /-/admin/repositories/owners and of /publish/commit/owners.
type Owners struct {
	Repository string   `json:"repository"` // its URL
	Owners     []string `json:"owners"`     // users
}

// NewUser is the JSON body of POST /-/admin/users.
type NewUser struct {
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password"`
}

// User is an account.
type User struct {
	Name     string    `json:"name"`
	Email    string    `json:"email,omitempty"`
	FullName string    `json:"fullname,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// CreatedUser answers POST /-/admin/users.
type CreatedUser struct {
	User    User `json:"user"`
	Created bool `json:"created"` // false: it was there, and has a new password
}

// Users answers GET /-/admin/users, by name.
type Users struct {
	Users []User `json:"users"`
}

// Key is a public signing key; it answers POST /-/admin/keys/rotate.
type Key = signature.Key

// Keys answers GET /-/admin/keys, the current key first.
type Keys struct {
	Keys []Key `json:"keys"`
}

// LumenKeys answers GET /-/admin/keys/lumen, the current key first.
type LumenKeys = lumen.Keys

// LumenKey is a public key of Lumen's; it answers POST /-/admin/keys/lumen/rotate.
type LumenKey = lumen.Key

// LumenRevocation answers POST /-/admin/keys/lumen/{key}/revoke.
type LumenRevocation struct {
	Key      LumenKey `json:"key"`
	Current  LumenKey `json:"current"`        // signs from now on
	Resigned int      `json:"resigned"`       // versions that it has signed in the other's place
	Left     []string `json:"left,omitempty"` // "name version" of those whose signature was not good, and was not replaced
}

// Present answers GET /-/admin/import?name=… and GET /-/admin/import/lumen?name=…: the versions of a package that are
// here. It is empty for a package that is not.
type Present struct {
	Versions map[string]digest.SHA256 `json:"versions"` // of their tarballs, as they were sent
}

// Import is what PUT /-/admin/import says, in its query, of the tarball that is its body.
type Import struct {
	Name, Version string   // what the archive must be
	Tags          []string // dist-tags to set; none: "latest" if the package has none
	PublishedAt   time.Time
	Deprecated    string
	Publisher     string
	Checksum      string // "sha256:<hex>"; as the other two it is checked if given
	Integrity     string // "sha512-<base64>"
	Shasum        string // SHA-1 in hex
}

// Query is i as the query of a URL.
func (i Import) Query() url.Values {
	q := url.Values{"tag": i.Tags}
	for key, value := range map[string]string{
		"name": i.Name, "version": i.Version, "deprecated": i.Deprecated, "publisher": i.Publisher,
		"checksum": i.Checksum, "integrity": i.Integrity, "shasum": i.Shasum,
	} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if !i.PublishedAt.IsZero() {
		q.Set("publishedAt", i.PublishedAt.Format(time.RFC3339Nano))
	}
	return q
}

// ImportOf reads a query. The error names a member that can't be read.
func ImportOf(q url.Values) (Import, error) {
	i := Import{
		Name: q.Get("name"), Version: q.Get("version"), Tags: q["tag"], Deprecated: q.Get("deprecated"), Publisher: q.Get("publisher"),
		Checksum: q.Get("checksum"), Integrity: q.Get("integrity"), Shasum: q.Get("shasum"),
	}
	var err error
	i.PublishedAt, err = publishedAt(q)
	return i, err
}

// LumenImport is what PUT /-/admin/import/lumen says, in its query, of the archive that is its body.
type LumenImport struct {
	Name, Version string // what the archive must be
	PublishedAt   time.Time
	Yanked        *string // the reason, which may be empty; nil: it is not
	Checksum      string  // "sha256:<hex>" of the body; checked if given
}

// Query is i as the query of a URL.
func (i LumenImport) Query() url.Values {
	q := url.Values{"name": {i.Name}, "version": {i.Version}}
	if i.Checksum != "" {
		q.Set("checksum", i.Checksum)
	}
	if i.Yanked != nil {
		q.Set("yanked", *i.Yanked)
	}
	if !i.PublishedAt.IsZero() {
		q.Set("publishedAt", i.PublishedAt.Format(time.RFC3339Nano))
	}
	return q
}

// LumenImportOf reads a query. The error names a member that can't be read.
func LumenImportOf(q url.Values) (LumenImport, error) {
	i := LumenImport{Name: q.Get("name"), Version: q.Get("version"), Checksum: q.Get("checksum")}
	if q.Has("yanked") {
		i.Yanked = new(q.Get("yanked"))
	}
	var err error
	i.PublishedAt, err = publishedAt(q)
	return i, err
}

func publishedAt(q url.Values) (t time.Time, err error) {
	text := q.Get("publishedAt")
	if text == "" {
		return t, nil
	}
	if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
		return t, fmt.Errorf("publishedAt %.60q is not a time as in 2026-01-02T15:04:05Z", text)
	}
	return t, nil
}

// Imported answers PUT /-/admin/import and PUT /-/admin/import/lumen.
type Imported struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Unchanged bool   `json:"unchanged,omitempty"` // it was there, with these bytes
	FirstOf   string `json:"firstOf,omitempty"`   // the name or scope that is answered from here only from now on
}

// Bucket names where bytes of packages are kept in S3.
type Bucket struct {
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix,omitzero"`
	Region    string `json:"region,omitzero"`
	Endpoint  string `json:"endpoint,omitzero"`
	PathStyle bool   `json:"path_style,omitzero"`
}

// Table names where metadata is kept in DynamoDB.
type Table struct {
	Table    string `json:"table"`
	Region   string `json:"region,omitzero"`
	Endpoint string `json:"endpoint,omitzero"`
	Create   bool   `json:"create,omitzero"`
}

// The kinds of stores that Migration names.
const (
	StoreLocal    = "local"
	StoreS3       = "s3"
	StoreDynamoDB = "dynamodb"
	// StoreAnalytics is a table that statistics have of their own.
	StoreAnalytics = "analytics"
)

// Migration asks a server to move to other stores.
type Migration struct {
	From      []string `json:"from"` // what is there now: local, or s3, dynamodb or both; and analytics
	To        []string `json:"to"`
	S3        Bucket   `json:"s3,omitzero"`        // where To has s3
	DynamoDB  Table    `json:"dynamodb,omitzero"`  // where To has dynamodb
	Analytics Table    `json:"analytics,omitzero"` // where To has analytics
}

// The phases of a migration, in their order.
const (
	PhaseNone      = "none" // there is none
	PhaseChecking  = "checking"
	PhaseCopying   = "copying"
	PhaseStopping  = "stopping" // until nobody writes any more
	PhaseFinishing = "finishing"
	PhaseVerifying = "verifying"
	PhaseDone      = "done"
	PhaseFailed    = "failed"
)

// MigrationStatus says how far a migration is.
type MigrationStatus struct {
	Phase       string   `json:"phase"`
	Rows        int64    `json:"rows"` // looked at in this phase
	Blobs       int64    `json:"blobs"`
	RowsTotal   int64    `json:"rowsTotal,omitzero"` // of this phase; 0: not known
	BlobsTotal  int64    `json:"blobsTotal,omitzero"`
	RowsCopied  int64    `json:"rowsCopied"` // in all phases
	BlobsCopied int64    `json:"blobsCopied"`
	Bytes       int64    `json:"bytes"`              // of the blobs copied
	ReadOnly    string   `json:"readOnly,omitzero"`  // how long writes were refused
	Error       string   `json:"error,omitzero"`     // of PhaseFailed
	Notes       []string `json:"notes,omitempty"`    // what the operator should know or do
	Resumable   bool     `json:"resumable,omitzero"` // of PhaseFailed: the same request goes on from there
}

// Snapshot is a copy of the metadata as it was at one moment.
type Snapshot struct {
	File  string `json:"file"`  // below the data folder
	Blobs string `json:"blobs"` // folder of the blobs, below the data folder
}
