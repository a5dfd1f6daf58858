package lumenpackages

import (
	"context"
	"errors"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Revocation is what revoking a key led to.
type Revocation struct {
	Key      lumen.Key // as keys.json has it now
	Current  lumen.Key // that signs from now on
	Resigned int       // versions whose signature is by the current key now
	Left     []string  // "name version" of those whose signature was not good: they keep it
}

// RevokeKey ends one of the registry's keys: nothing that it signed counts any more. If it is the current one, another takes
// its place first. What it has signed of the versions here is then signed by the current key, and last of all it is listed as
// revoked, so that at no time a version has no good signature. A revocation that was cut short is made whole by making it
// again. Whether the caller may is for the caller to know.
func (s *Service) RevokeKey(ctx context.Context, keyID string) (out Revocation, err error) {
	if out.Current, err = s.replace(ctx, keyID); err != nil {
		return out, err
	}
	old, err := s.retiredKey(ctx, keyID)
	if err == nil {
		err = s.resign(ctx, old.Key, &out)
	}
	if err == nil {
		out.Key, err = s.markRevoked(ctx, keyID)
	}
	return out, err
}

// replace makes sure that the key is not the current one, and returns that.
func (s *Service) replace(ctx context.Context, keyID string) (lumen.Key, error) {
	var key lumen.Key
	err := turns.Retry(signingKeys, func() error {
		signer, err := s.signer(ctx)
		if key = signer.public; err == nil && key.KeyID == keyID {
			key, err = s.rotate(ctx, signer)
		}
		return err
	})
	return key, err
}

// retiredRow is the row of a key that was replaced.
type retiredRow struct {
	lumen.Key
	at  kv.Key
	raw []byte
}

// retired reads the keys that were replaced, oldest first.
func (s *Service) retired(ctx context.Context) (all []retiredRow, err error) {
	for row, err := range s.db.Scan(ctx, keysPartition, kv.Query{Prefix: retiredPrefix}) {
		if err != nil {
			return nil, err
		}
		r := retiredRow{at: row.Key, raw: row.Value}
		if err := decodeRow(row.Key, row.Value, &r.Key); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// retiredKey is the one of a name among them.
func (s *Service) retiredKey(ctx context.Context, keyID string) (retiredRow, error) {
	all, err := s.retired(ctx)
	if err != nil {
		return retiredRow{}, err
	}
	i := slices.IndexFunc(all, func(r retiredRow) bool { return r.KeyID == keyID })
	if i < 0 {
		return retiredRow{}, fault.New(fault.NotFound, "%.80q is none of this registry's keys for Lumen packages; registry-server key list --kind lumen shows them", keyID).WithCode("unknown_key")
	}
	return all[i], nil
}

// markRevoked lists a key as revoked.
func (s *Service) markRevoked(ctx context.Context, keyID string) (lumen.Key, error) {
	var key lumen.Key
	err := turns.Retry(signingKeys, func() error {
		row, err := s.retiredKey(ctx, keyID)
		if key = row.Key; err != nil || key.Revoked {
			return err
		}
		key.Revoked = true
		return s.apply(ctx, kv.Swap(row.raw, kv.JSON(row.at, key)), revised())
	})
	return key, err
}

// What is signed anew in one batch.
const (
	resignVersions = 30
	resignBytes    = 1 << 20
)

// resign has the current key sign what another signed of the versions here.
func (s *Service) resign(ctx context.Context, old lumen.Key, out *Revocation) error {
	all, err := s.scanEntries(ctx, "")
	if err != nil {
		return err
	}
	for begin, end := 0, 0; begin < len(all); begin = end {
		size := int64(0)
		for end < len(all) && all[end].name == all[begin].name && end-begin < resignVersions && size < resignBytes {
			size += all[end].Signature.Size
			end++
		}
		if err := s.resignSome(ctx, old, all[begin:end], out); err != nil {
			return err
		}
	}
	return nil
}

// resignSome is resign for versions of one package.
func (s *Service) resignSome(ctx context.Context, old lumen.Key, some []entry, out *Revocation) error {
	var done int
	var left []string
	err := s.revise(ctx, some[0].name, func(p *pkg) (ops []kv.Op, err error) {
		done, left = 0, nil
		signer, err := s.signer(ctx)
		if err != nil {
			return nil, err
		}
		present, err := s.entriesOf(ctx, p) // some may have been yanked meanwhile
		if err != nil {
			return nil, err
		}
		for _, e := range present {
			if !slices.ContainsFunc(some, func(o entry) bool { return o.version == e.version }) {
				continue
			}
			signature, err := s.countersign(ctx, old, e.name, e.version, signer)
			switch {
			case errors.Is(err, fault.Invalid):
				s.opt.Log.ErrorContext(ctx, "a version's signature is not good, and is not replaced", "package", e.name, "version", e.version, "err", err)
				left = append(left, e.name+" "+e.version)
				continue
			case err != nil:
				return nil, err
			case signature == nil:
				continue
			}
			e.Signature = partOf(signature)
			p.writes(len(present), &e)
			ops = append(ops, kv.Put(kv.Row{Key: signatureKey(e.name, e.version), Value: signature}), kv.Put(kv.JSON(entryKey(e.name, e.version), e)))
			done++
		}
		if done == 0 {
			return nil, turns.ErrUnchanged
		}
		return append(ops, signer.unchanged(), revised()), nil
	})
	if err == nil {
		out.Resigned += done
		out.Left = append(out.Left, left...)
	}
	return err
}

// countersign signs the statement that another key has signed of a version; nil if that key has signed none. A statement that is
// not what it signed, or not what the version is, is fault.Invalid: it must not become good by this.
func (s *Service) countersign(ctx context.Context, old lumen.Key, name, version string, signer signer) ([]byte, error) {
	row, err := s.db.Get(ctx, signatureKey(name, version))
	if err != nil {
		return nil, err
	}
	sealed, err := lumen.DecodeEnvelope(row.Value)
	if err != nil {
		return nil, err
	}
	if len(sealed.Signatures) == 0 || sealed.Signatures[0].KeyID != old.KeyID {
		return nil, nil
	}
	old.Revoked = false // of a revocation that was cut short
	payload, _, err := sealed.Open(lumen.StatementType, lumen.Keys{Keys: []lumen.Key{old}})
	if err != nil {
		return nil, err
	}
	statement, err := lumen.DecodeStatement(payload)
	if err != nil {
		return nil, err
	}
	m, err := s.metadata(ctx, name, version)
	if err == nil {
		err = statement.Check(m)
	}
	if err != nil {
		return nil, err
	}
	return lumen.Encode(lumen.Seal(signer.key, lumen.StatementType, payload, timeText(s.now()))), nil
}
