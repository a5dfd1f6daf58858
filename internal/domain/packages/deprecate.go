package packages

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxMessage      = 4096 // characters of a deprecation
	deprecateAtOnce = 90   // versions in one batch
	deprecateBytes  = 1 << 20
)

// validMessage checks what npm prints to a terminal.
func validMessage(text string) error {
	if utf8.RuneCountInString(text) > maxMessage || !utf8.ValidString(text) || strings.ContainsFunc(text, notInMessage) {
		return fault.New(fault.Invalid, "a deprecation message has at most %d printable characters", maxMessage).WithCode("invalid_message")
	}
	return nil
}

func notInMessage(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// Deprecate sets the message of versions; "" takes it back. Many versions are changed in several
// batches; if one of them fails, those before it stay, and the same call does the rest.
func (s *Service) Deprecate(ctx context.Context, who Principal, name string, messages map[string]string) error {
	left := map[string]string{} // by the version in keys
	for version, text := range messages {
		if err := validMessage(text); err != nil {
			return err
		}
		key, err := canonical(version)
		if err != nil {
			return err
		}
		left[key] = text
	}
	keys := slices.Sorted(maps.Keys(left))
	for more := true; more; {
		err := s.revise(ctx, name, func(p *pkg) (ops []kv.Op, err error) {
			if err := s.mayChangeLiving(ctx, who, *p); err != nil {
				return nil, err
			}
			ops, more, err = s.deprecations(ctx, *p, keys, left)
			if err == nil && len(ops) == 0 {
				err = turns.ErrUnchanged
			}
			p.touched(s.now())
			return ops, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// deprecations are the first rows to change, as many as fit in a batch. more
// reports whether others follow. A version that is not there fails all before any is changed.
func (s *Service) deprecations(ctx context.Context, p pkg, keys []string, messages map[string]string) (ops []kv.Op, more bool, err error) {
	size := 0
	for _, key := range keys {
		row, err := s.db.Get(ctx, versionKey(p.name, key))
		if errors.Is(err, kv.ErrNotFound) {
			return nil, false, s.missing(ctx, p, key, key)
		}
		var v versionRow
		if err == nil {
			err = s.codec.decode(row, &v)
		}
		if err != nil {
			return nil, false, err
		}
		if v.Deprecated == messages[key] {
			continue
		}
		v.Deprecated = messages[key]
		if row, err = s.encodeVersion(p.name, v); err != nil {
			return nil, false, err
		}
		if len(ops) >= deprecateAtOnce || size+len(row.Value) > deprecateBytes && len(ops) > 0 {
			more = true
			continue // only to see that it is there
		}
		ops, size = append(ops, kv.Put(row)), size+len(row.Value)
	}
	return ops, more, nil
}
