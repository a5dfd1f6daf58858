package lumentree_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/lumentree"
)

// What is written for aws s3api put-bucket-cors is what S3 takes, and lets pages of any site read.
func TestCORS(t *testing.T) {
	var c types.CORSConfiguration
	d := json.NewDecoder(strings.NewReader(lumentree.CORS))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if len(c.CORSRules) != 1 {
		t.Fatalf("rules: %+v", c.CORSRules)
	}
	r := c.CORSRules[0]
	if !slices.Equal(r.AllowedOrigins, []string{"*"}) || !slices.Equal(r.AllowedMethods, []string{"GET", "HEAD"}) || r.MaxAgeSeconds == nil || *r.MaxAgeSeconds <= 0 {
		t.Errorf("the rule is %+v", r)
	}
}
