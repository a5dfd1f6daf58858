package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Checker checks accounts and tokens, for a verification of the whole store. Nobody has signed them; what can be told is
// that they can be read, and that no token is good without being in its user's list.
func (s *Service) Checker() scrub.Checker { return checker{s} }

type checker struct{ *Service }

// nearlyOver is when the two rows of a token may end one by one.
const nearlyOver = time.Minute

// Check implements scrub.Checker.
func (c checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	user, listed := strings.CutPrefix(r.Partition, userTokens(""))
	switch {
	case r.Partition == tokenPartition:
		f.Checked("tokens")
		return true, c.checkToken(ctx, r, f, "")
	case listed:
		return true, c.checkToken(ctx, r, f, user)
	case r.Partition == userPartition:
		f.Checked("accounts")
		return true, c.checkAccount(ctx, r, f)
	case r.Partition == nameKey("").Partition:
		if json.Unmarshal(r.Value, new(name)) != nil {
			f.About("account", r.Sort).Unread(r.Key)
		}
		return true, nil
	}
	return strings.HasPrefix(r.Partition, "auth/"), nil // what waits in a browser, and is counted, for minutes
}

// checkToken compares a row of a token with its other one: that of user's list, or that by which it is let in.
func (c checker) checkToken(ctx context.Context, r kv.Row, f *scrub.Finder, user string) error {
	about := f.About("token", r.Sort[:min(keyDigits, len(r.Sort))])
	var t TokenInfo
	if json.Unmarshal(r.Value, &t) != nil {
		about.Unread(r.Key)
		return nil
	}
	if !r.Expires.IsZero() && r.Expires.Before(c.now().Add(nearlyOver)) {
		return nil
	}
	twin := tokenKey(r.Sort)
	if user == "" {
		twin = userTokenKey(t.User, r.Sort)
	}
	other, found, err := scrub.Get(ctx, c.db, twin)
	switch {
	case err != nil:
		return err
	case !found:
		about.Absent(twin)
	case !bytes.Equal(other.Value, r.Value), !strings.HasPrefix(r.Sort, t.Key), user != "" && user != t.User:
		about.Wrong(scrub.Row, "what the token may do is not what the list of %q says of it", t.User)
	}
	return nil
}

func (c checker) checkAccount(ctx context.Context, r kv.Row, f *scrub.Finder) error {
	about := f.About("account", r.Sort)
	var a account
	if json.Unmarshal(r.Value, &a) != nil || a.Name != r.Sort {
		about.Unread(r.Key)
		return nil
	}
	found, err := scrub.Has(ctx, c.db, nameKey(r.Sort))
	if err == nil && !found {
		about.Absent(nameKey(r.Sort))
	}
	return err
}
