package lumen

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/org/registry-action/internal/fault"
)

// The largest documents that are decoded, in bytes.
const (
	maxIndex        = 64 << 20 // of an Index
	maxPackageIndex = 16 << 20 // of a PackageIndex
	MaxMetadata     = 4 << 20  // of a Metadata, an Envelope and Keys
)

// DecodeIndex reads an index.json, also one made by hand: members that are missing, null or unknown do no harm. One
// that is there twice, or in other case, is refused: readers differ in what it means. Refusals of all decoders are
// fault.Invalid with the code "bad_document", or fault.TooLarge.
func DecodeIndex(text []byte) (x Index, err error) {
	err = decode("index.json", text, maxIndex, &x)
	return x, err
}

// DecodePackageIndex reads a package's index.json as DecodeIndex does.
func DecodePackageIndex(text []byte) (x PackageIndex, err error) {
	err = decode("the package's index.json", text, maxPackageIndex, &x)
	return x, err
}

// DecodeMetadata reads the metadata of a version as DecodeIndex does.
func DecodeMetadata(text []byte) (m Metadata, err error) {
	err = decode("the version's metadata", text, MaxMetadata, &m)
	return m, err
}

// DecodeKeys reads a keys.json.
func DecodeKeys(text []byte) (k Keys, err error) {
	err = decode("keys.json", text, MaxMetadata, &k)
	return k, err
}

// DecodeEnvelope reads a signature or a checkpoint, whose payload is as good as unread until Open has returned it.
func DecodeEnvelope(text []byte) (e Envelope, err error) {
	err = decode("the signature's envelope", text, MaxMetadata, &e)
	return e, err
}

// DecodeStatement reads the payload of an Envelope of the type StatementType.
func DecodeStatement(payload []byte) (s Statement, err error) {
	err = decode("the signed statement", payload, MaxMetadata, &s)
	return s, err
}

// DecodeCheckpoint reads the payload of an Envelope of the type CheckpointType.
func DecodeCheckpoint(payload []byte) (c Checkpoint, err error) {
	err = decode("the signed checkpoint", payload, MaxMetadata, &c)
	return c, err
}

func decode(what string, text []byte, limit int, document any) error {
	if len(text) > limit {
		return tooLarge("%s has more than %s; that is the limit", what, fault.Bytes(int64(limit)))
	}
	err := json.Unmarshal(text, document)
	if err == nil {
		err = checkMembers(json.NewDecoder(bytes.NewReader(text)), reflect.TypeOf(document))
	}
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		return refuse(refused.Code, "%s can't be read: %s", what, refused.Message)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.Wrap(err, fault.Invalid, "%s has a %.20s where its member %.100q wants something else (byte %d)",
			what, wrong.Value, wrong.Field, wrong.Offset).WithCode("bad_document")
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.Wrap(err, fault.Invalid, "%s is not valid JSON (byte %d)", what, wrong.Offset).WithCode("bad_document")
	}
	return fault.Wrap(err, fault.Invalid, "%s is not valid JSON", what).WithCode("bad_document")
}
