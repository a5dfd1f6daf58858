package lumen

import (
	"github.com/org/registry-action/internal/fault"
)

// refuse is a fault.Invalid with a code of its own.
func refuse(code, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode(code)
}

// bad refuses an archive.
func bad(format string, args ...any) *fault.Error { return refuse("bad_archive", format, args...) }

// badCertificate refuses a certificate.
func badCertificate(format string, args ...any) *fault.Error {
	return refuse("bad_certificate", format, args...)
}

// message is what an error says to users.
func message(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return err.Error()
}

// badManifest refuses a lumen.toml.
func badManifest(format string, args ...any) *fault.Error {
	return refuse("bad_manifest", format, args...)
}

func tooLarge(format string, args ...any) *fault.Error {
	return fault.New(fault.TooLarge, format, args...)
}
