package kv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validate reports a key beyond the bounds as ErrLimit.
func (k Key) Validate() error {
	if err := validatePart("partition", k.Partition); err != nil {
		return err
	}
	if err := validatePart("sort", k.Sort); err != nil {
		return err
	}
	return validateSort("sort", k.Sort)
}

// validateSort counts the bytes above 127 twice: where keys are text they are stored as two.
func validateSort(what, s string) error {
	size := len(s)
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			size++
		}
	}
	if size > MaxKey {
		return fmt.Errorf("the %s %.40q… has %d bytes, those above 127 counted twice, %d are allowed: %w", what, s, size, MaxKey, ErrLimit)
	}
	return nil
}

func validatePart(what, s string) error {
	if s == "" {
		return fmt.Errorf("a %s is empty: %w", what, ErrLimit)
	}
	return validateText(what, s)
}

func validateText(what, s string) error {
	if len(s) > MaxKey {
		return fmt.Errorf("the %s %.40q… has %d bytes, %d are allowed: %w", what, s, len(s), MaxKey, ErrLimit)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("the %s %.40q holds a NUL byte: %w", what, s, ErrLimit)
	}
	return nil
}

// Validate reports a query of partition that is beyond the bounds as ErrLimit.
func (q Query) Validate(partition string) error {
	if q.Limit < 0 {
		return fmt.Errorf("a query for %d rows: %w", q.Limit, ErrLimit)
	}
	if err := validatePart("partition", partition); err != nil {
		return err
	}
	for what, s := range map[string]string{"prefix": q.Prefix, "sort to start after": q.After} {
		if err := errors.Join(validateText(what, s), validateSort(what, s)); err != nil {
			return err
		}
	}
	return nil
}

// Validate reports a batch beyond the bounds, or with two ops on one key, as
// ErrLimit. Every driver's Apply begins with it.
func Validate(ops []Op) error {
	if len(ops) > MaxBatch {
		return fmt.Errorf("a batch of %d ops, %d are allowed: %w", len(ops), MaxBatch, ErrLimit)
	}
	size := 0
	seen := make(map[Key]struct{}, len(ops))
	for _, op := range ops {
		if err := op.validate(); err != nil {
			return err
		}
		if _, twice := seen[op.Row.Key]; twice {
			return fmt.Errorf("two ops on %s in one batch: %w", op.Row.Key, ErrLimit)
		}
		seen[op.Row.Key] = struct{}{}
		size += op.Size()
	}
	if size > MaxBatchBytes {
		return fmt.Errorf("a batch of %d bytes, %d are allowed: %w", size, MaxBatchBytes, ErrLimit)
	}
	return nil
}

func (op Op) validate() error {
	if op.Kind < OpPut || op.Kind > OpAdd {
		return fmt.Errorf("op kind %d is unknown: %w", op.Kind, ErrLimit)
	}
	if err := op.Row.Key.Validate(); err != nil {
		return err
	}
	if len(op.Row.Value) > MaxValue {
		return fmt.Errorf("the value of %s has %d bytes, %d are allowed: %w", op.Row.Key, len(op.Row.Value), MaxValue, ErrLimit)
	}
	return nil
}

// Size returns the bytes that op counts towards MaxBatchBytes.
func (op Op) Size() int {
	return len(op.Row.Partition) + len(op.Row.Sort) + len(op.Row.Value) + len(op.Old)
}

// Counter returns the number that the row holds; ok is false if it is no counter.
func (r Row) Counter() (n int64, ok bool) {
	text := string(r.Value)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}
