package infra

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// cloud is a moto of the test's own, asked as AWS's query protocol is spoken.
type cloud struct {
	t   *testing.T
	url string
}

func startCloud(t *testing.T) *cloud {
	t.Helper()
	moto, err := clients.StartMoto(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := moto.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &cloud{t, moto.URL}
}

// ask calls an action of a service; out, if any, gets the answer's XML.
func (c *cloud) ask(service, action string, parameters map[string]string, out any) {
	c.t.Helper()
	form := url.Values{"Action": {action}}
	for name, value := range parameters {
		form.Set(name, value)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/", strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("%s of %s: %d, %v: %s", action, service, res.StatusCode, err, body)
	}
	if out != nil {
		if err := xml.Unmarshal(body, out); err != nil {
			c.t.Fatalf("%s of %s: %v: %s", action, service, err, body)
		}
	}
}

const templateFile = "infrastructure/cloudformation.yml"

// deploy makes a stack of the template and returns its outputs.
func (c *cloud) deploy(parameters map[string]string) map[string]string {
	c.t.Helper()
	form := map[string]string{"StackName": "registry", "TemplateBody": read(c.t, templateFile), "Capabilities.member.1": "CAPABILITY_NAMED_IAM"}
	n := 0
	for name, value := range parameters {
		n++
		member := "Parameters.member." + string(rune('0'+n))
		form[member+".ParameterKey"], form[member+".ParameterValue"] = name, value
	}
	c.ask("cloudformation", "CreateStack", form, nil)
	var answer struct {
		Status  string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		Outputs []struct {
			Key   string `xml:"OutputKey"`
			Value string `xml:"OutputValue"`
		} `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
	}
	c.ask("cloudformation", "DescribeStacks", map[string]string{"StackName": "registry"}, &answer)
	if answer.Status != "CREATE_COMPLETE" {
		c.t.Fatalf("the stack is %q", answer.Status)
	}
	outputs := map[string]string{}
	for _, o := range answer.Outputs {
		outputs[o.Key] = o.Value
	}
	return outputs
}

// statement is one of a policy.
type statement struct {
	Effect   string
	Action   []string
	Resource any
}

// policy is the document of the stack's policy.
func (c *cloud) policy(arn string) (statements []statement) {
	c.t.Helper()
	var version struct {
		Document string `xml:"GetPolicyVersionResult>PolicyVersion>Document"`
	}
	c.ask("iam", "GetPolicyVersion", map[string]string{"PolicyArn": arn, "VersionId": "v1"}, &version)
	text, err := url.QueryUnescape(version.Document)
	if err != nil {
		c.t.Fatal(err)
	}
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
	return document.Statement
}

// account makes a user who may do what the statements allow, on everything, as moto looks at actions only. It asks for
// rights once enforce was called.
func (c *cloud) account(name string, may []statement) (id, secret string) {
	c.t.Helper()
	c.ask("iam", "CreateUser", map[string]string{"UserName": name}, nil)
	if len(may) > 0 {
		may = slices.Clone(may)
		for i := range may {
			may[i].Resource = "*"
		}
		document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": may})
		if err != nil {
			c.t.Fatal(err)
		}
		c.ask("iam", "PutUserPolicy", map[string]string{"UserName": name, "PolicyName": "may", "PolicyDocument": string(document)}, nil)
	}
	var answer struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	c.ask("iam", "CreateAccessKey", map[string]string{"UserName": name}, &answer)
	return answer.ID, answer.Secret
}

// enforce lets moto check rights from now on.
func (c *cloud) enforce() {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/moto-api/reset-auth", strings.NewReader("0"))
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("moto does not check rights: %d", res.StatusCode)
	}
}
