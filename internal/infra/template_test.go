package infra

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

func TestTemplateLint(t *testing.T) {
	lint(t, clients.CfnLint, "--include-checks", "I", "--regions", "us-east-1", "eu-central-1", "--", templateFile)
}

// The outputs of the stack are the environment of a server, which needs no other rights than those of the stack's
// policy: moto checks every call. Without them it does not even start.
func TestStackRunsServer(t *testing.T) {
	c := startCloud(t)
	outputs := c.deploy(map[string]string{"RegistryDomain": "registry.example.com"})
	env := envFile(outputs["Environment"])
	wantOptions(t, "the output Environment", env)
	if env["BASE_URL"] != "https://registry.example.com" || env["S3_BUCKET"] != outputs["PackagesBucketName"] || env["DYNAMODB_TABLE"] != outputs["MetadataTableName"] ||
		env["DYNAMODB_ANALYTICS_TABLE"] != outputs["AnalyticsTableName"] || outputs["AnalyticsTableName"] == "" {
		t.Errorf("the environment is %q of %q", env, outputs)
	}
	maps.Copy(env, map[string]string{"REGISTRY_TOKEN": token, "S3_ENDPOINT": c.url, "S3_FORCE_PATH_STYLE": "true", "DYNAMODB_ENDPOINT": c.url})
	may := c.policy(outputs["PolicyArn"])
	may = append(may, statement{Effect: "Allow", Action: motosNames})
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = c.account("server", may)
	id, secret := c.account("nobody", nil)
	c.enforce()
	server := startAs(t, env)
	server.roundTrip()
	server.wantCounted()

	cmd := exec.CommandContext(t.Context(), program(t), "--port", "0", "--data", t.TempDir())
	cmd.Env = cleanEnv("AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["DYNAMODB_TABLE"] = id, secret, "local"
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "s3:ListBucket") {
		t.Errorf("without rights: %v\n%s", err, out)
	}
}

// motosNames are rights that moto asks for in place of Amazon's: s3:ListBucket, s3:GetObject, and, in transactions, those of
// each operation.
var motosNames = []string{"s3:HeadBucket", "s3:HeadObject", "dynamodb:TransactWriteItems"}

// Each kind of computer gets a role that it alone can take.
func TestStackRoles(t *testing.T) {
	const issuer = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
	for compute, want := range map[string]string{
		"ec2": `"ec2.amazonaws.com"`, "ecs": `"ecs-tasks.amazonaws.com"`,
		"irsa": `"` + issuer + `:sub": "system:serviceaccount:registry:registry-server"`, "none": "",
	} {
		t.Run(compute, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t)
			outputs := c.deploy(map[string]string{"RegistryDomain": "registry.example.com", "Compute": compute, "OIDCProvider": issuer, "AlarmEmail": "ops@example.com"})
			if (outputs["RoleArn"] != "") != (want != "") || (outputs["InstanceProfileName"] != "") != (compute == "ec2") {
				t.Errorf("the outputs are %q", outputs)
			}
			if want == "" {
				return
			}
			var role struct {
				Document string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
			}
			c.ask("iam", "GetRole", map[string]string{"RoleName": "pantry-registry-production-server"}, &role)
			document, err := url.QueryUnescape(role.Document)
			if err != nil || !strings.Contains(document, want) {
				t.Errorf("the role is taken by %s, %v, want %s", document, err, want)
			}
		})
	}
}

// needs are the rights that the calls of the drivers need. Of a transaction they are those of its operations.
var needs = map[string]string{
	"HeadBucket": "s3:ListBucket", "NewListObjectsV2Paginator": "s3:ListBucket", "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
	"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PresignGetObject": "s3:GetObject",
	"PutObject": "s3:PutObject", "PresignPutObject": "s3:PutObject", "CopyObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject",
	"UploadPart": "s3:PutObject", "UploadPartCopy": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject", "AbortMultipartUpload": "s3:AbortMultipartUpload", "DeleteObject": "s3:DeleteObject",

	"DescribeTable": "dynamodb:DescribeTable", "DescribeTimeToLive": "dynamodb:DescribeTimeToLive", "GetItem": "dynamodb:GetItem", "Query": "dynamodb:Query",
	"PutItem": "dynamodb:PutItem", "UpdateItem": "dynamodb:UpdateItem", "DeleteItem": "dynamodb:DeleteItem",
	"types.Put{": "dynamodb:PutItem", "types.Update{": "dynamodb:UpdateItem", "types.Delete{": "dynamodb:DeleteItem", "types.ConditionCheck{": "dynamodb:ConditionCheckItem",
	"TransactWriteItems": "",

	// Only for DYNAMODB_CREATE, and for migrations, which an operator does with rights of his own.
	"CreateTable": "", "NewTableExistsWaiter": "", "UpdateTimeToLive": "", "Scan": "",
	"Options": "", "NewPresignClient": "", // no calls
}

const dynamoDriver = "internal/store/kv/dynamokv"

var calls = regexp.MustCompile(`\bapi\.([A-Z]\w+)\(|\b(?:s3|dynamodb)\.(New\w+(?:Paginator|Waiter|Client))\(|\.(Presign(?:Get|Put|Delete|Head)\w+)\(|\b(types\.(?:Put|Update|Delete|ConditionCheck)\{)`)

// called are the calls of the source of a driver.
func called(t *testing.T, dir string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range calls.FindAllStringSubmatch(string(text), -1) {
			all[m[1]+m[2]+m[3]+m[4]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The policy allows exactly what the drivers call: a call that is new here, or gone, fails the test.
func TestPolicyIsLeast(t *testing.T) {
	needed := map[string]bool{}
	for _, dir := range []string{"internal/store/blob/s3blob", dynamoDriver} {
		for call := range called(t, dir) {
			right, known := needs[call]
			if !known {
				t.Errorf("%s calls %s; which right does it need?", dir, call)
			}
			if right != "" {
				needed[right] = true
			}
		}
	}
	c := startCloud(t)
	outputs := c.deploy(map[string]string{"RegistryDomain": "registry.example.com"})
	var allowed []string
	for _, s := range c.policy(outputs["PolicyArn"]) {
		allowed = append(allowed, s.Action...)
		if resource, _ := json.Marshal(s.Resource); s.Effect != "Allow" || !strings.Contains(string(resource), "pantry-registry-production-") {
			t.Errorf("a statement is %s on %s", s.Effect, resource)
		}
	}
	slices.Sort(allowed)
	if want := slices.Sorted(maps.Keys(needed)); !slices.Equal(allowed, want) {
		t.Errorf("the policy allows\n%q, the code needs\n%q", allowed, want)
	}
}

// The rule for commits waits, for every retention that may be chosen, for as long as the server asks of a bucket.
func TestTemplateRuleIsLongEnough(t *testing.T) {
	var template struct {
		Parameters map[string]struct {
			AllowedValues []string `yaml:"AllowedValues"`
		} `yaml:"Parameters"`
		Mappings struct {
			Backstop map[string]struct {
				Days int `yaml:"Days"`
			} `yaml:"Backstop"`
		} `yaml:"Mappings"`
	}
	decode(t, templateFile, &template)
	choices := template.Parameters["RetentionDays"].AllowedValues
	if len(choices) == 0 || len(choices) != len(template.Mappings.Backstop) {
		t.Errorf("%d retentions, %d rules", len(choices), len(template.Mappings.Backstop))
	}
	for _, days := range choices {
		n, err := strconv.Atoi(days)
		if err != nil {
			t.Fatal(err)
		}
		if rule, need := template.Mappings.Backstop[days].Days, s3blob.RuleDays(time.Duration(n)*24*time.Hour); rule < need {
			t.Errorf("with a retention of %d days the rule waits for %d, want %d at least", n, rule, need)
		}
	}
}

// alarmsFile is what the tests need of the template's alarms. References are the names of what they are to.
type alarmsFile struct {
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			Metrics []alarmMetric `yaml:"Metrics"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

type alarmMetric struct {
	ID         string `yaml:"Id"`
	Expression string `yaml:"Expression"`
	MetricStat struct {
		Metric struct {
			MetricName string `yaml:"MetricName"`
			Dimensions []struct {
				Name  string `yaml:"Name"`
				Value string `yaml:"Value"`
			} `yaml:"Dimensions"`
		} `yaml:"Metric"`
	} `yaml:"MetricStat"`
}

// series names what a metric is of: its name, and the values of its dimensions.
func (m alarmMetric) series() string {
	parts := []string{m.MetricStat.Metric.MetricName}
	for _, d := range m.MetricStat.Metric.Dimensions {
		parts = append(parts, d.Value)
	}
	return strings.Join(parts, " ")
}

// sum is an expression of an alarm that adds up metrics of which any may be missing.
var sum = regexp.MustCompile(`^FILL\(\w+, 0\)( \+ FILL\(\w+, 0\))*$`)

// Services report no errors rather than none, so an alarm that adds several up has to fill in what is missing: else it
// rings only when all of them come together.
func TestAlarmsRingForEachMetric(t *testing.T) {
	var template alarmsFile
	decode(t, templateFile, &template)
	alarms := 0
	for name, r := range template.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarms++
		var total string
		var ids []string
		for _, m := range r.Properties.Metrics {
			if m.Expression != "" {
				total = m.Expression
			} else {
				ids = append(ids, m.ID)
			}
		}
		for _, id := range ids {
			if !strings.Contains(total, id) || len(ids) > 1 && !sum.MatchString(total) {
				t.Errorf("%s: %q does not add up %q, each missing or not", name, total, ids)
			}
		}
	}
	if alarms < 3 {
		t.Errorf("%d alarms", alarms)
	}
}

// unwatched are calls of the driver that have no errors to be told of: they are made at the start, or by an operator.
var unwatched = []string{"DescribeTable", "DescribeTimeToLive", "CreateTable", "UpdateTimeToLive", "Scan", "Options"}

// Of both tables throttling is watched, and the errors of every operation that the server uses: one that is new in the
// driver, or missing in an alarm, fails the test.
func TestAlarmsWatchBothTables(t *testing.T) {
	var want, got []string
	for _, table := range []string{"MetadataTable", "AnalyticsTable"} {
		want = append(want, "ReadThrottleEvents "+table, "WriteThrottleEvents "+table)
		for call := range called(t, dynamoDriver) {
			if isOperation := !strings.HasPrefix(call, "New") && !strings.HasPrefix(call, "types."); isOperation && !slices.Contains(unwatched, call) {
				want = append(want, "SystemErrors "+table+" "+call)
			}
		}
	}
	var template alarmsFile
	decode(t, templateFile, &template)
	for name, r := range template.Resources {
		if n := len(r.Properties.Metrics); n > 10 {
			t.Errorf("%s has %d metrics and expressions, CloudWatch takes 10", name, n)
		}
		for _, m := range r.Properties.Metrics {
			if s := m.series(); strings.Contains(s, "Table") {
				got = append(got, s)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the alarms watch\n%q, want\n%q", got, want)
	}
}
