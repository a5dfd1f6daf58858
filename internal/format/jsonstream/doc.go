// Package jsonstream takes large base64 members out of a JSON text while it is
// read, as npm's publish and the JSON form of a commit publish carry tarballs.
// What remains is small and is left to encoding/json.
//
// The package follows RFC 8259 only as far as it must to find members. Text that
// is no JSON comes out as it went in, still no JSON, except that strings and
// nesting without an end are refused.
package jsonstream
