// Package parity compares our tarballs with those that npm makes of the same
// folders: names, modes and contents of the entries, and their order. Of
// package.json only the content counts: ours stands first, with a mode of its
// own.
//
// It is for tests and for `make parity`; no program links it. Packages come
// from the registry that npm is configured with, by `npm pack`.
package parity
