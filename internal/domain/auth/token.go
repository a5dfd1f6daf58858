package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxTokens   = 1000 // of a user, expired ones aside
	minRevoke   = 6    // digits of a key that name a token
	tellExpired = 30 * 24 * time.Hour
)

// CreateToken makes a token. secret is shown once and kept hashed.
func (s *Service) CreateToken(ctx context.Context, who Principal, t NewToken) (secret string, info TokenInfo, err error) {
	if who.Anonymous() {
		return "", info, who.stranger()
	}
	if info, err = s.plan(who, t); err != nil {
		return "", TokenInfo{}, err
	}
	secret = newSecret()
	var stored TokenInfo
	err = turns.Retry(accounts, func() (err error) {
		stored, err = s.keep(ctx, who, secret, info)
		return err
	})
	if err != nil {
		return "", TokenInfo{}, err
	}
	return secret, stored, nil
}

// keep makes one attempt to store a token, together with more. All of it happens only while who is
// still what it was, so that nothing revoked leaves a token behind.
func (s *Service) keep(ctx context.Context, who Principal, secret string, info TokenInfo, more ...kv.Op) (TokenInfo, error) {
	hash := hashOf(secret)
	info.Key, info.Hint = hash[:keyDigits], secret[:hintChars]
	ops, err := s.standing(ctx, who, info.User)
	if err != nil {
		return info, err
	}
	turn, err := s.turn(ctx, info.User, hash)
	if err != nil {
		return info, err
	}
	token, listed := kv.JSON(tokenKey(hash), info), kv.JSON(userTokenKey(info.User, hash), info)
	if !info.Expires.IsZero() {
		// The row stays a while, to tell an expired token from an unknown one.
		token.Expires = info.Expires.Add(min(info.Expires.Sub(info.Created), tellExpired))
		listed.Expires = token.Expires
	}
	return info, s.db.Apply(ctx, append(append(ops, turn, kv.PutNew(token), kv.PutNew(listed)), more...)...)
}

// standing returns the conditions that hold while who is what it was, and the user's account as it is.
func (s *Service) standing(ctx context.Context, who Principal, user string) (ops []kv.Op, err error) {
	gone := fault.New(fault.Unauthenticated, "Invalid token: it, or the account of %q, has just been removed", who.user)
	if !who.expires.IsZero() && !s.now().Before(who.expires) {
		return nil, gone
	}
	if who.token != "" {
		row, err := s.db.Get(ctx, tokenKey(who.token))
		if errors.Is(err, kv.ErrNotFound) {
			return nil, gone
		}
		if err != nil {
			return nil, err
		}
		ops = append(ops, kv.Check(row.Value, row.Key))
	}
	row, err := s.db.Get(ctx, userKey(user))
	switch {
	case errors.Is(err, kv.ErrNotFound) && who.account:
		return nil, gone
	case errors.Is(err, kv.ErrNotFound):
		return ops, nil
	case err != nil:
		return nil, err
	}
	return append(ops, kv.Check(row.Value, row.Key)), nil
}

// turn takes the user's name and makes room for one more token: of several at the same time one wins.
func (s *Service) turn(ctx context.Context, user, hash string) (kv.Op, error) {
	_, raw, found, err := kv.ReadJSON[name](ctx, s.db, nameKey(user))
	if err != nil {
		return kv.Op{}, err
	}
	live := 0
	for t, err := range s.scan(ctx, userTokens(user), "") {
		if err != nil {
			return kv.Op{}, err
		}
		if t.Run == nil && !t.expired(s.now()) {
			live++
		}
	}
	if live >= maxTokens {
		return kv.Op{}, fault.New(fault.Forbidden, "%q has %d tokens, and no more are allowed; revoke some", user, live).WithCode("too_many_tokens")
	}
	return kv.Upsert(raw, found, kv.JSON(nameKey(user), name{LastToken: hash[:keyDigits]})), nil
}

// token is a row of a list of tokens.
type token struct {
	TokenInfo
	hash string
}

func (s *Service) scan(ctx context.Context, partition, prefix string) iter.Seq2[token, error] {
	return func(yield func(token, error) bool) {
		for r, err := range s.db.Scan(ctx, partition, kv.Query{Prefix: prefix}) {
			t := token{hash: r.Sort}
			if err == nil {
				if err = json.Unmarshal(r.Value, &t.TokenInfo); err != nil {
					err = fmt.Errorf("decoding row %s: %w", r.Key, err)
				}
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// Tokens lists the tokens of a user, newest first; those that expired a while ago are gone. Asked for
// "" an admin gets all, others their own.
func (s *Service) Tokens(ctx context.Context, who Principal, user string) ([]TokenInfo, error) {
	if who.Anonymous() {
		return nil, who.stranger()
	}
	if user == "" && !who.IsAdmin() {
		user = who.user
	}
	partition := tokenPartition
	if user != "" {
		if user != who.user && !who.IsAdmin() {
			return nil, fault.New(fault.Forbidden, "%q may not see the tokens of %.80q", who.user, user)
		}
		if err := validUser(user); err != nil {
			return nil, err
		}
		partition = userTokens(user)
	}
	all := []TokenInfo{}
	for t, err := range s.scan(ctx, partition, "") {
		if err != nil {
			return nil, err
		}
		all = append(all, t.TokenInfo)
	}
	slices.SortFunc(all, func(a, b TokenInfo) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Key, b.Key)) })
	return all, nil
}

// Revoke ends a token at once. It is named by its key, by 6 or more of the key's first digits, or by
// its secret; who shows the secret needs nothing else. Others must be its user, with a token that
// isn't limited, or an admin.
func (s *Service) Revoke(ctx context.Context, who Principal, keyOrSecret string) error {
	find := s.findByKey
	switch {
	case s.isRoot(keyOrSecret):
		return fault.New(fault.Forbidden, "this is the REGISTRY_TOKEN of the server; it ends when the server is started with another one")
	case looksLikeToken(keyOrSecret):
		find = s.findBySecret
	case who.Anonymous():
		return who.stranger()
	}
	t, err := find(ctx, who, keyOrSecret)
	if err != nil {
		return err
	}
	return s.end(ctx, t)
}

// end deletes a token and all that were made with it: who has stolen one can't keep a copy. A token
// is made only while its parent is there, so a second look finds what the first came too early for.
func (s *Service) end(ctx context.Context, t token) error {
	for range 2 {
		doomed, err := s.madeWith(ctx, t)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(append(doomed, t), kv.MaxBatch/2) {
			var ops []kv.Op
			for _, d := range some {
				ops = append(ops, deleteOps(d)...)
			}
			if err := s.db.Apply(ctx, ops...); err != nil {
				return err
			}
		}
	}
	return nil
}

// madeWith finds the tokens that were made with t, and with those.
func (s *Service) madeWith(ctx context.Context, t token) ([]token, error) {
	children := map[string][]token{} // by key of the parent
	for child, err := range s.scan(ctx, userTokens(t.User), "") {
		if err != nil {
			return nil, err
		}
		children[child.Parent] = append(children[child.Parent], child)
	}
	delete(children, "")
	found := children[t.Key]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].Key]...)
	}
	return found, nil
}

func deleteOps(t token) []kv.Op {
	return []kv.Op{kv.Delete(tokenKey(t.hash)), kv.Delete(userTokenKey(t.User, t.hash))}
}

// noToken does not repeat what was asked for: it may be a secret with a slip in it.
func noToken() error {
	return fault.New(fault.NotFound, "there is no such token; name it by the key that the list of tokens shows, or 6 or more digits of it").WithCode("unknown_token")
}

func (s *Service) findBySecret(ctx context.Context, _ Principal, secret string) (token, error) {
	if !wellFormed(secret) {
		return token{}, noToken()
	}
	hash := hashOf(secret)
	info, _, found, err := kv.ReadJSON[TokenInfo](ctx, s.db, tokenKey(hash))
	if err == nil && !found {
		err = noToken()
	}
	return token{info, hash}, err
}

func (s *Service) findByKey(ctx context.Context, who Principal, key string) (token, error) {
	key = strings.ToLower(key)
	if len(key) < minRevoke || len(key) > 64 || strings.Trim(key, "0123456789abcdef") != "" {
		return token{}, noToken()
	}
	partition := tokenPartition
	if !who.IsAdmin() {
		partition = userTokens(who.user) // so that keys of others can't be guessed
	}
	var found []token
	for t, err := range s.scan(ctx, partition, key) {
		if err != nil {
			return token{}, err
		}
		if found = append(found, t); len(found) > 1 {
			return token{}, fault.New(fault.Invalid, "more than one token's key begins with %s; give more of its digits", key).WithCode("ambiguous_key")
		}
	}
	if len(found) == 0 {
		return token{}, noToken()
	}
	if t := found[0]; t.hash == who.token {
		return t, nil // any token may end itself
	}
	return found[0], who.MayManage()
}
