package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/clients/dynamoserver"
	"github.com/org/registry-action/internal/clients/s3server"
)

// pantryCloud is the table and bucket of a Pantry registry.
type pantryCloud struct {
	t     *testing.T
	rows  *dynamoserver.Server
	files *s3server.Server
	api   *dynamodb.Client
	s3    *s3.Client
}

const pantryTableName = "pantry-registry-production-metadata"

func newPantryCloud(t *testing.T) *pantryCloud {
	p := &pantryCloud{t: t, rows: dynamoserver.Start(t), files: s3server.Start(t)}
	c := aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(credentialsOfTest)}
	p.api = dynamodb.NewFromConfig(c, func(o *dynamodb.Options) { o.BaseEndpoint, o.DisableValidateResponseChecksum = &p.rows.URL, true })
	p.s3 = s3.NewFromConfig(c, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &p.files.URL, true })
	_, err := p.api.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(pantryTableName), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("PK"), AttributeType: "S"}, {AttributeName: aws.String("SK"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("PK"), KeyType: "HASH"}, {AttributeName: aws.String("SK"), KeyType: "RANGE"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func credentialsOfTest(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test-secret"}, nil
}

// item puts an item whose attributes are texts, but for those given as attributes.
func (p *pantryCloud) item(pk, sk string, attributes ...any) {
	p.t.Helper()
	it := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk}}
	for i := 0; i < len(attributes); i += 2 {
		switch v := attributes[i+1].(type) {
		case string:
			it[attributes[i].(string)] = &types.AttributeValueMemberS{Value: v}
		case types.AttributeValue:
			it[attributes[i].(string)] = v
		}
	}
	if _, err := p.api.PutItem(p.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(pantryTableName), Item: it}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pantryCloud) object(key, content string) {
	p.t.Helper()
	_, err := p.s3.PutObject(p.t.Context(), &s3.PutObjectInput{Bucket: aws.String(s3server.Bucket), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		p.t.Fatal(err)
	}
}

// pkg puts the item of a package as Pantry does.
func (p *pantryCloud) pkg(name, latest string) {
	p.item("PACKAGE#"+name, "METADATA", "name", name, "description", "a package", "latestVersion", latest, "createdAt", "2026-01-02T03:04:05.678Z",
		"updatedAt", "2026-01-02T03:04:05.678Z", "totalDownloads", &types.AttributeValueMemberN{Value: "7"}, "searchText", name, "publishedBy", "ann@acme.example",
		"settings", "{}", "keywords", &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "k"}}})
}

// version puts the item and the tarball of a version as Pantry does.
func (p *pantryCloud) version(safe, name, version, at, content string) {
	key := fmt.Sprintf("packages/pantry/%s/%s/%s-%s.tgz", safe, version, safe, version)
	p.item("PACKAGE#"+name, "VERSION#"+version, "version", version, "tarballUrl", "https://pantry.example/"+key, "publishedAt", at,
		"checksum", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))), "size", &types.AttributeValueMemberN{Value: "0"})
	p.object(key, content)
}

// fill makes two good packages, and all that can go wrong with others.
func (p *pantryCloud) fill() {
	number := &types.AttributeValueMemberN{Value: "7"}
	p.pkg("@acme/core", "1.0.0")
	p.version("acme-core", "@acme/core", "1.0.0", "2026-01-02T03:04:05.678Z", tgz(p.t, `{"name":"@acme/core","version":"1.0.0","description":"first"}`))
	p.version("acme-core", "@acme/core", "1.1.0", "2026-02-03T04:05:06.789Z", tgz(p.t, `{"name":"@acme/core","version":"1.1.0"}`))
	p.item("PACKAGE#@acme/core", "VERSION#9.9.9", "version", "9.9.9", "checksum", "sha256:00")
	p.item("PACKAGE#@acme/core", "VERSION#latest", "version", "latest")
	p.item("PACKAGE#@acme/core", "VERSION#2.0.0", "version", "3.0.0")
	p.item("PACKAGE#@acme/core", "VERSION#2.1.0", "checksum", number)
	p.item("PACKAGE#@acme/core", "VERSION#2.2.0", "publishedAt", "yesterday")
	p.item("PACKAGE#@acme/core", "PAYWALL", "name", "@acme/core", "price", number)
	p.pkg("plain", "0.1.0")
	p.version("plain", "plain", "0.1.0", "2026-01-02T03:04:05.678Z", tgz(p.t, `{"name":"plain","version":"0.1.0"}`))
	p.version("orphan", "orphan", "0.2.0", "2026-01-02T03:04:05.678Z", tgz(p.t, `{"name":"orphan","version":"0.2.0"}`))
	p.pkg("changed", "1.0.0")
	p.version("changed", "changed", "1.0.0", "2026-01-02T03:04:05.678Z", "what it was")
	p.object("packages/pantry/changed/1.0.0/changed-1.0.0.tgz", tgz(p.t, `{"name":"changed","version":"1.0.0"}`))
	p.pkg("@a/b", "1.0.0")
	p.item("PACKAGE#@a/b", "VERSION#1.0.0", "version", "1.0.0")
	p.pkg("a-b", "1.0.0")
	p.version("a-b", "a-b", "1.0.0", "2026-01-02T03:04:05.678Z", tgz(p.t, `{"name":"a-b","version":"1.0.0"}`))
	p.pkg("../../evil", "1.0.0")
	p.item("PACKAGE#\x1b[31mred", "METADATA", "name", "red")
	p.item("PACKAGE#broken", "METADATA", "name", number)
	p.item("PACKAGE#other", "METADATA", "name", "another")
	p.item("COMMIT#abc1234", "PACKAGE#plain", "name", "plain", "sha", "abc1234")
	p.item("COMMIT_PACKAGE#plain", "SHA#abc1234", "name", "plain")
	p.item("ZIG_PACKAGE#z", "METADATA", "name", "z")
	p.item("ZIG_PACKAGE#z", "VERSION#1.0.0", "version", "1.0.0")
	p.item("USER#ann@acme.example", "PROFILE", "role", "admin")
	p.item("TOKEN_HASH#00", "METADATA", "permissions", "publish")
}

func (p *pantryCloud) args(dir string) []string {
	return []string{"import", "pantry", "--table", pantryTableName, "--table-endpoint", p.rows.URL, "--bucket", s3server.Bucket, "--bucket-endpoint", p.files.URL, "--bucket-in-path", "--data", dir}
}

// items are all of the table, as texts.
func (p *pantryCloud) items() string {
	p.t.Helper()
	out, err := p.api.Scan(p.t.Context(), &dynamodb.ScanInput{TableName: aws.String(pantryTableName)})
	if err != nil {
		p.t.Fatal(err)
	}
	var text bytes.Buffer
	for _, it := range out.Items {
		fmt.Fprintln(&text, len(it), it["PK"].(*types.AttributeValueMemberS).Value, it["SK"].(*types.AttributeValueMemberS).Value)
	}
	return text.String()
}

func TestImportPantryTable(t *testing.T) {
	from := newPantryCloud(t)
	from.fill()
	before := from.items()
	onBoth(t, func(t *testing.T, dir string) {
		first := cli(t, "", from.args(dir)...).want(1, "refused; the report says why")
		for _, want := range []string{
			"10 packages: 5 versions imported, 0 there already, 11 refused",
			"refused @acme/core@9.9.9: s3://registry/packages/pantry/acme-core/9.9.9/acme-core-9.9.9.tgz is missing",
			`refused @acme/core@latest: "latest" is not a semantic version`, `refused @acme/core@2.0.0: its item says that it is version "3.0.0"`,
			"refused @acme/core@2.1.0: the attribute checksum of its item is not a text", `refused @acme/core@2.2.0: the attribute publishedAt of its item, "yesterday"`,
			"refused changed@1.0.0: the tarball does not have the checksum", "Pantry keeps @a/b and a-b in one file",
			"refused ../../evil: ", `refused "\x1b[31mred": `, "refused broken: the attribute name", `refused other: its item says that it is "another"`,
			"upstream is no longer asked for @acme, a-b, orphan, plain", "note: packages of commits are not imported (packages: 1)",
			"note: Zig packages are not imported (packages: 1)", "note: paywalls are not imported (packages: 1): everybody who may read here can install @acme/core",
		} {
			if !strings.Contains(first.stdout, want) {
				t.Errorf("the report lacks %q:\n%s", want, first.stdout)
			}
		}
		if strings.ContainsRune(first.stdout+first.stderr, '\x1b') {
			t.Error("an escape sequence of the table gets to the terminal")
		}
		fetched := 0
		from.files.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			fetched++
			pass.ServeHTTP(w, r)
		})
		defer from.files.Fail(nil)
		var again report
		cli(t, "", append(from.args(dir), "--json")...).want(1, "").json(&again)
		if again.Imported != 0 || again.Present != 5 || len(again.Refused) != 11 {
			t.Errorf("again: %+v", again)
		}
		if fetched > 3 {
			t.Errorf("again %d tarballs were fetched; only those that are not there need be", fetched)
		}
		checkCore(t, dir)
	})
	if after := from.items(); after != before {
		t.Errorf("the table was changed:\n%s\nit was:\n%s", after, before)
	}
}

// What keeps an import from going on ends it, with the way out.
func TestImportPantryTableOutage(t *testing.T) {
	from := newPantryCloud(t)
	from.pkg("plain", "0.1.0")
	from.version("plain", "plain", "0.1.0", "2026-01-02T03:04:05.678Z", tgz(t, `{"name":"plain","version":"0.1.0"}`))
	dir := t.TempDir()
	with := func(name, value string) []string {
		args := from.args(dir)
		for i := range args {
			if args[i] == name {
				args[i+1] = value
			}
		}
		return args
	}
	cli(t, "", with("--table", "another")...).want(1, "there is no table another in this region")
	cli(t, "", with("--bucket", "another")...).want(1, "there is no bucket another")
	from.rows.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		dynamoserver.Answer(w, http.StatusBadRequest, "AccessDeniedException", "")
	})
	cli(t, "", from.args(dir)...).want(1, "they need dynamodb:Scan and dynamodb:Query")
	from.rows.Fail(nil)
	from.files.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) })
	cli(t, "", from.args(dir)...).want(1, "they need s3:GetObject and s3:ListBucket")
	from.files.Fail(nil)
	cli(t, "", append(from.args(dir), "--max-package-size", "10")...).want(1, "has more than 10 bytes")
	cli(t, "", from.args(dir)...).want(0, "1 package: 1 version imported")
}

func TestImportPantryUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"name what to import":   {},
		"are two registries":    {".", "--table", "t", "--bucket", "b"},
		"name it with --bucket": {"--table", "t"},
		"--table-endpoint one":  {"--table", "t", "--bucket", "b", "--table-endpoint", "localhost"},
		"--bucket-endpoint one": {"--table", "t", "--bucket", "b", "--bucket-endpoint", "localhost"},
	} {
		cli(t, "", append([]string{"import", "pantry"}, args...)...).want(2, want)
	}
}
