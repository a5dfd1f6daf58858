package pantry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// The bounds of what is held in memory.
const (
	maxNames    = 1_000_000 // packages of a table
	maxVersions = 50_000    // of a package
)

// The keys of Pantry's items. A package is PACKAGE#name / METADATA, a version of it PACKAGE#name / VERSION#v.
const (
	packageKey  = "PACKAGE#"
	commitKey   = "COMMIT#"
	zigKey      = "ZIG_PACKAGE#"
	versionKey  = "VERSION#"
	metadataKey = "METADATA"
	paywallKey  = "PAYWALL"
)

// Remote says where a Pantry registry keeps its data. Credentials, which need only read, are found as by every program
// of AWS.
type Remote struct {
	Table         string
	TableEndpoint string // URL of a server that is not Amazon's; empty: Amazon's

	Bucket         string
	Prefix         string // in front of Pantry's keys
	BucketEndpoint string // like TableEndpoint
	PathStyle      bool   // the bucket stands in the path of URLs

	Region     string // of both; empty: what AWS's own configuration says
	MaxArchive int64  // bytes of a tarball
}

// Table is the table and bucket of a Pantry registry. Nothing in them is written.
type Table struct {
	remote  Remote
	rows    *dynamodb.Client
	objects *s3.Client

	names   []string
	sharing sharing
	commits int      // packages of commits
	zig     int      // Zig packages
	paid    []string // names of packages with a paywall
}

// OpenTable finds the packages.
func OpenTable(ctx context.Context, r Remote) (*Table, error) {
	cfg, err := awsconfig.Load(ctx, r.Region)
	if err == nil {
		err = awsconfig.CheckCredentials(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	t := &Table{
		remote:  r,
		objects: s3.NewFromConfig(cfg, awsconfig.S3(r.BucketEndpoint, r.PathStyle)),
		rows: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
			if r.TableEndpoint != "" {
				o.BaseEndpoint = &r.TableEndpoint
				o.DisableValidateResponseChecksum = true // others send none
			}
		}),
	}
	if err := t.find(ctx); err != nil {
		return nil, err
	}
	t.sharing = sharingOf(t.names)
	return t, nil
}

// find walks over the table once: it has no index of its packages.
func (t *Table) find(ctx context.Context) error {
	pages := dynamodb.NewScanPaginator(t.rows, &dynamodb.ScanInput{
		TableName: &t.remote.Table, ProjectionExpression: new("PK, SK"),
		FilterExpression: new("begins_with(PK, :package) OR begins_with(PK, :commit) OR begins_with(PK, :zig)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":package": &types.AttributeValueMemberS{Value: packageKey}, ":commit": &types.AttributeValueMemberS{Value: commitKey}, ":zig": &types.AttributeValueMemberS{Value: zigKey},
		},
	})
	names := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return t.tableError(err)
		}
		for _, it := range page.Items {
			t.note(it, names)
		}
		if len(names) > maxNames {
			return fmt.Errorf("the table %s has more than %d packages; that is the limit", t.remote.Table, maxNames)
		}
	}
	for name := range names {
		t.names = append(t.names, name)
	}
	slices.Sort(t.names)
	slices.Sort(t.paid)
	return nil
}

// note takes in the keys of an item.
func (t *Table) note(it item, names map[string]bool) {
	pk, _, _ := it.text("PK") // the filter and the table's schema say that both are texts
	sk, _, _ := it.text("SK")
	name, ofPackage := strings.CutPrefix(pk, packageKey)
	switch {
	case ofPackage && sk == paywallKey:
		t.paid = append(t.paid, name)
	case ofPackage:
		names[name] = true
	case strings.HasPrefix(pk, commitKey):
		t.commits++
	case sk == metadataKey:
		t.zig++
	}
}

// tableError says what a user can do about an error of DynamoDB.
func (t *Table) tableError(err error) error {
	switch awsconfig.Code(err) {
	case "ResourceNotFoundException":
		return fmt.Errorf("there is no table %s in this region; give its name with --table and its region with --region: %w", t.remote.Table, err)
	case "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException":
		return fmt.Errorf("the credentials may not read the table %s; they need dynamodb:Scan and dynamodb:Query: %w", t.remote.Table, err)
	}
	return fmt.Errorf("reading the table %s: %w", t.remote.Table, err)
}

// Len is the number of packages.
func (t *Table) Len() int { return len(t.names) }

// Claims reports that a version whose checksum the server has need not be fetched.
func (t *Table) Claims() bool { return true }

// Notes says what is not imported.
func (t *Table) Notes() []string {
	var notes []string
	if len(t.names) == 0 {
		notes = append(notes, fmt.Sprintf("the table %s has no items of packages, whose PK is PACKAGE#…: is it Pantry's table of metadata?", t.remote.Table))
	}
	if t.commits > 0 {
		notes = append(notes, commitNote("packages", t.commits))
	}
	if t.zig > 0 {
		notes = append(notes, fmt.Sprintf("Zig packages are not imported (packages: %d): Pantry has no hashes that Zig accepts; publish them anew", t.zig))
	}
	if n := len(t.paid); n > 0 {
		notes = append(notes, fmt.Sprintf("paywalls are not imported (packages: %d): everybody who may read here can install %s", n, strings.Join(t.paid[:min(n, 20)], ", ")))
	}
	return notes
}

// Packages yields the packages by name; an error ends it.
func (t *Table) Packages(ctx context.Context) iter.Seq2[foreign.Package, error] {
	return func(yield func(foreign.Package, error) bool) {
		for _, name := range t.names {
			p, err := t.pkg(ctx, name)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// errTooMany ends the reading of one package.
var errTooMany = errors.New("too many versions")

func (t *Table) pkg(ctx context.Context, name string) (foreign.Package, error) {
	p := foreign.Package{Name: name}
	if p.Problem = npm.ValidName(name); p.Problem != nil {
		return p, nil
	}
	var about metadata
	err := t.eachItem(ctx, name, func(it item) error {
		sk, _, _ := it.text("SK")
		version, ok := strings.CutPrefix(sk, versionKey)
		switch {
		case sk == metadataKey:
			about, p.Problem = readMetadata(it, name)
		case ok && len(p.Versions) == maxVersions:
			return errTooMany
		case ok:
			p.Versions = append(p.Versions, versionOf(it, name, version))
		}
		return nil
	})
	if errors.Is(err, errTooMany) {
		p.Problem = fmt.Errorf("it has more than %d versions; that is the limit", maxVersions)
		return p, nil
	}
	if err != nil {
		return p, t.tableError(err)
	}
	hint := t.sharing.hint(name)
	for i := range p.Versions {
		v := &p.Versions[i]
		v.Publisher, v.Hint = about.publisher, hint
		if v.Version == about.latest {
			v.Tags = []string{"latest"}
		}
	}
	foreign.Sort(p.Versions)
	return p, nil
}

// eachItem yields the items of a package.
func (t *Table) eachItem(ctx context.Context, name string, yield func(item) error) error {
	pages := dynamodb.NewQueryPaginator(t.rows, &dynamodb.QueryInput{
		TableName: &t.remote.Table, KeyConditionExpression: new("PK = :package"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":package": &types.AttributeValueMemberS{Value: packageKey + name}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := yield(it); err != nil {
				return err
			}
		}
	}
	return nil
}
