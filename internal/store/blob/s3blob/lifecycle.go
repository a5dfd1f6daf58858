package s3blob

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
)

// keepSlack is how much longer than promised blobs are held (store/lifetime), with time to sweep.
const keepSlack = 48 * time.Hour

// RuleDays is the fewest days after which a rule may expire the blobs of commits that are kept for a time.
func RuleDays(keep time.Duration) int {
	return int((keep+blob.RefreshAfter+keepSlack).Hours()/24) + 1
}

// CheckRules fails with fault.Invalid if a lifecycle rule of the bucket would expire bytes that are still promised:
// those of releases ever, those of commits within keep of the last time they were used. A bucket whose rules can't be
// read, or of a service that knows none, passes.
func (s *Store) CheckRules(ctx context.Context, keep time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.api.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.bucket})
	if err != nil {
		return nil // no rules, no right to read them, or no such thing
	}
	need := RuleDays(keep)
	for _, r := range out.Rules {
		if r.Status != types.ExpirationStatusEnabled {
			continue
		}
		if err := s.checkArchiving(r); err != nil {
			return err
		}
		if r.Expiration == nil || r.Expiration.Days == nil && r.Expiration.Date == nil {
			continue
		}
		days, name := aws.ToInt32(r.Expiration.Days), aws.ToString(r.ID)
		switch {
		case s.touches(r, blob.Packages):
			return fault.New(fault.Invalid, "the lifecycle rule %q of the bucket %q expires releases, which stay for ever; limit it to other keys than those that begin with %q", name, s.bucket, s.folder(blob.Packages))
		case s.touches(r, blob.Commits) && int(days) < need:
			return fault.New(fault.Invalid, "the lifecycle rule %q of the bucket %q expires %q too early; what many commits share is needed for up to %d days after it was stored: let the rule wait for that long, remove it (the server deletes what is over), or lower RETENTION",
				name, s.bucket, s.folder(blob.Commits), need)
		}
	}
	return nil
}

// checkArchiving refuses a rule that moves bytes to where they can't be read without being restored first.
func (s *Store) checkArchiving(r types.LifecycleRule) error {
	for _, t := range r.Transitions {
		archive := t.StorageClass == types.TransitionStorageClassGlacier || t.StorageClass == types.TransitionStorageClassDeepArchive
		if archive && (s.touches(r, blob.Packages) || s.touches(r, blob.Commits)) {
			return fault.New(fault.Invalid, "the lifecycle rule %q of the bucket %q moves packages to %s, from where they can't be served; use another class, such as %s, or limit the rule to other keys",
				aws.ToString(r.ID), s.bucket, t.StorageClass, types.TransitionStorageClassGlacierIr)
		}
	}
	return nil
}

// touches reports whether a rule concerns blobs of a space. They have no tags.
func (s *Store) touches(r types.LifecycleRule, space blob.Space) bool {
	//lint:ignore SA1019 rules of older tools have it still
	prefix := aws.ToString(r.Prefix)
	if f := r.Filter; f != nil {
		if f.Tag != nil || f.And != nil && len(f.And.Tags) > 0 {
			return false
		}
		prefix = cmp.Or(aws.ToString(f.Prefix), prefix)
		if f.And != nil {
			prefix = cmp.Or(aws.ToString(f.And.Prefix), prefix)
		}
	}
	return strings.HasPrefix(prefix, s.folder(space)) || strings.HasPrefix(s.folder(space), prefix)
}
