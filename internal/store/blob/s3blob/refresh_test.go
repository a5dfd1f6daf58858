package s3blob_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

// Only what is old is copied, and it is the same blob afterwards.
func TestRefresh(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	body := content(1000)
	key := keyOf(body)
	var mu sync.Mutex
	var requests []string
	var made string // by which Put
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		mu.Lock()
		what := r.Method
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			what = "copy"
			if r.Header.Get("X-Amz-Meta-Put") != made || r.Header.Get("X-Amz-Copy-Source-If-Match") == "" {
				t.Errorf("a copy of another object than the Put's, or of whatever is there: %v", r.Header)
			}
		} else if r.Method == http.MethodPut {
			made = r.Header.Get("X-Amz-Meta-Put")
		}
		requests = append(requests, what)
		mu.Unlock()
		pass.ServeHTTP(w, r)
	})
	if _, _, err := s.Put(t.Context(), key, bytes.NewReader(body)); err != nil || made == "" {
		t.Fatalf("Put = %v, marked %q", err, made)
	}
	for _, tt := range []struct {
		before time.Time
		want   []string
	}{
		{time.Now().Add(-time.Hour), []string{"HEAD"}},
		{time.Now().Add(time.Hour), []string{"HEAD", "copy"}},
	} {
		requests = nil
		if err := s.Refresh(t.Context(), key, tt.before); err != nil {
			t.Errorf("Refresh(%s) = %v", tt.before, err)
		}
		if !slices.Equal(requests, tt.want) {
			t.Errorf("Refresh(%s) sends %q, want %q", tt.before, requests, tt.want)
		}
		wantContent(t, s, body)
	}
	if _, created, err := s.Put(t.Context(), key, bytes.NewReader(body)); created || err != nil {
		t.Errorf("a Put afterwards: created %t, %v", created, err)
	}
	if err := s.Refresh(t.Context(), keyOf(nil), time.Now()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Refresh of nothing = %v", err)
	}
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3server.Reset(w) })
	if err := s.Refresh(t.Context(), key, time.Now().Add(time.Hour)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Refresh in an outage = %v", err)
	}
}

// A bucket whose rules would take what the server promises is refused, and only such a one.
func TestCheckRules(t *testing.T) {
	_ = s3server.Start(t) // the credentials
	moto := startMoto(t)
	api := api(t, moto)
	if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("rules")}); err != nil {
		t.Fatal(err)
	}
	s := openWith(t, s3blob.Config{Bucket: "rules", Prefix: "npm", Endpoint: moto, PathStyle: true, Spool: t.TempDir()})
	if err := s.CheckRules(t.Context(), 90*24*time.Hour); err != nil {
		t.Errorf("without rules: %v", err)
	}
	for _, tt := range []struct {
		name   string
		prefix string
		days   int32
		to     types.TransitionStorageClass // where the rule moves to; empty: it expires
		tag    bool
		off    bool
		ok     bool
	}{
		{name: "as long as needed", prefix: "npm/commits/", days: 123, ok: true},
		{name: "too short", prefix: "npm/commits/", days: 90},
		{name: "too short, of some", prefix: "npm/commits/a", days: 90},
		{name: "too short, switched off", prefix: "npm/commits/", days: 90, off: true, ok: true},
		{name: "of tagged objects", prefix: "npm/commits/", days: 1, tag: true, ok: true},
		{name: "of releases", prefix: "npm/packages/", days: 3650},
		{name: "of all", prefix: "", days: 3650},
		{name: "of others", prefix: "logs/", days: 1, ok: true},
		{name: "releases to an archive", prefix: "npm/packages/", days: 30, to: types.TransitionStorageClassGlacier},
		{name: "commits to an archive", prefix: "npm/", days: 1, to: types.TransitionStorageClassDeepArchive},
		{name: "others to an archive", prefix: "logs/", days: 1, to: types.TransitionStorageClassGlacier, ok: true},
		{name: "releases to where they can be read at once", prefix: "npm/packages/", days: 30, to: types.TransitionStorageClassGlacierIr, ok: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := types.LifecycleRule{
				ID: aws.String("a-rule"), Status: types.ExpirationStatusEnabled, Expiration: &types.LifecycleExpiration{Days: &tt.days},
				Filter: &types.LifecycleRuleFilter{Prefix: &tt.prefix},
			}
			if tt.to != "" {
				rule.Expiration, rule.Transitions = nil, []types.Transition{{Days: &tt.days, StorageClass: tt.to}}
			}
			if tt.off {
				rule.Status = types.ExpirationStatusDisabled
			}
			if tt.tag {
				rule.Filter = &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: &tt.prefix, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}
			}
			_, err := api.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
				Bucket: aws.String("rules"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.CheckRules(t.Context(), 90*24*time.Hour); (err == nil) != tt.ok || err != nil && !errors.Is(err, fault.Invalid) {
				t.Errorf("CheckRules = %v", err)
			}
		})
	}
}
