// Package lumen knows the static, content-addressed registry of Lumen: its layout and documents, the archives it
// holds, the version grammar of its client, and the signatures that we add to it.
//
//	index.json                                    Index
//	packages/{name}/index.json                    PackageIndex
//	packages/{name}/{version}.json                Metadata
//	artifacts/sha256/{2 digits}/{62 digits}.tar   plain tar, lumen.toml at its root
//	signatures/{name}/{version}.sig.json          Envelope over a Statement
//	keys.json                                     Keys
//	checkpoint.json                               Envelope over a Checkpoint
//
// A name is "@scope/package", or "package" in old trees. Every URL in a document is relative to the
// root, so that one tree works under any prefix, on disk and in a bucket.
//
// The layout and the documents are those of Lumen's hosting guide, as the client's structs read them: members in
// snake_case, lists and maps empty rather than null, hashes "sha256:" and 64 lower-case digits.
//
// Nobody but us signs and checks signatures, so they are defined here. An Envelope is one of DSSE: the signature is Ed25519 over
// "DSSEv1 LEN(type) type LEN(payload) payload", the payload is carried as it was signed. The manifest hash is of
// lumen.toml as it is in the archive; the content hash is of the lines "path\0sha256 hex\n" of all files, by path without "./".
package lumen
