package lumenpackages

import (
	"context"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// maxUploadKeys is how many keys a user may register, revoked ones too.
const maxUploadKeys = 100

// Manager is a Principal that may change what is its user's own.
type Manager interface {
	Principal
	MayManage() error // a token that is limited to some packages must not
}

// UploadKey is a public key that its user signs uploads with. It is the first user's to register it for good, and once it is
// revoked it stays so.
type UploadKey struct {
	KeyID     string    `json:"keyId"`
	PublicKey string    `json:"publicKey"`
	User      string    `json:"user"`
	Created   time.Time `json:"created"`
	Revoked   time.Time `json:"revoked,omitzero"`
}

// RegisterKey makes a public key, in standard base64, one of the caller's. keyID is checked if it is given. created is false
// if it was there.
func (s *Service) RegisterKey(ctx context.Context, who Manager, public, keyID string) (k UploadKey, created bool, err error) {
	if err := mayManageKeys(who); err != nil {
		return k, false, err
	}
	key, err := lumen.ParsePublicKey(public, keyID)
	if err != nil {
		return k, false, err
	}
	err = s.turns.Write(ctx, []string{"keys of " + who.User()}, func() error { // no package has a space in its name
		had, _, found, err := s.uploadKey(ctx, key.KeyID)
		if err != nil {
			return err
		}
		if k, created = had, !found; found {
			return k.mayBeHadBy(who)
		}
		k = UploadKey{KeyID: key.KeyID, PublicKey: key.PublicKey, User: who.User(), Created: s.now()}
		return s.addKey(ctx, k)
	})
	return k, created && err == nil, err
}

func (s *Service) addKey(ctx context.Context, k UploadKey) error {
	all, err := s.keysOf(ctx, k.User)
	if err != nil {
		return err
	}
	if len(all) >= maxUploadKeys {
		return fault.New(fault.Invalid, "%.80s has registered %d keys, revoked ones included, more are not kept; sign with one of them", k.User, len(all)).WithCode("too_many_keys")
	}
	return s.db.Apply(ctx, kv.PutNew(kv.JSON(uploadKeyKey(k.KeyID), k)), kv.PutNew(kv.JSON(uploaderKey(k.User, k.KeyID), k)))
}

// mayBeHadBy refuses a key that is here and not the caller's any more, or never was.
func (k UploadKey) mayBeHadBy(who Principal) error {
	switch {
	case k.User != who.User():
		return fault.New(fault.Exists, "the key %s was registered by somebody else and never moves; make a key of your own: move ~/.lumen/keys/%[1]s.json away, and the client makes another", k.KeyID).WithCode("key_taken")
	case !k.Revoked.IsZero():
		return fault.New(fault.Exists, "the key %s was revoked at %s and stays so; make another: move ~/.lumen/keys/%[1]s.json away, and the client makes one", k.KeyID, timeText(k.Revoked)).WithCode("key_revoked")
	}
	return nil
}

// UploadKeys lists the caller's keys, the newest first, revoked ones too.
func (s *Service) UploadKeys(ctx context.Context, who Principal) ([]UploadKey, error) {
	if who.User() == "" {
		return nil, strangersKeys()
	}
	return s.keysOf(ctx, who.User())
}

func (s *Service) keysOf(ctx context.Context, user string) ([]UploadKey, error) {
	all := []UploadKey{}
	for row, err := range s.db.Scan(ctx, uploaderPartition(user), kv.Query{}) {
		if err != nil {
			return nil, err
		}
		var k UploadKey
		if err := decodeRow(row.Key, row.Value, &k); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b UploadKey) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// RevokeUploadKey ends a key of the caller's, or an admin any: no upload is signed by it any more. Versions that were stay
// as they are.
func (s *Service) RevokeUploadKey(ctx context.Context, who Manager, keyID string) (UploadKey, error) {
	if err := mayManageKeys(who); err != nil {
		return UploadKey{}, err
	}
	var k UploadKey
	err := turns.Retry("the keys of "+who.User(), func() error {
		had, raw, found, err := s.uploadKey(ctx, keyID)
		k = had
		if err == nil && (!found || k.User != who.User() && !who.IsAdmin()) {
			err = fault.New(fault.NotFound, "no key %.80q is registered by %.80s; GET /lumen/v1/keys lists those that are", keyID, who.User())
		}
		if err != nil || !k.Revoked.IsZero() {
			return err
		}
		k.Revoked = s.now()
		return s.db.Apply(ctx, kv.Swap(raw, kv.JSON(uploadKeyKey(k.KeyID), k)), kv.Put(kv.JSON(uploaderKey(k.User, k.KeyID), k)))
	})
	return k, err
}

// uploadKey reads a key by its name, whatever that is.
func (s *Service) uploadKey(ctx context.Context, id string) (k UploadKey, raw []byte, found bool, err error) {
	if !lumen.ValidKeyID(id) {
		return k, nil, false, nil
	}
	return kv.ReadJSON[UploadKey](ctx, s.db, uploadKeyKey(id))
}

func mayManageKeys(who Manager) error {
	if who.User() == "" || !validUser(who.User()) {
		return strangersKeys()
	}
	return who.MayManage()
}

func strangersKeys() error {
	return fault.New(fault.Unauthenticated, "Authorization required: keys are their user's; sign in to see and change them")
}
