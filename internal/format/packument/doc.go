// Package packument knows the documents in which an npm registry describes a
// package: the full packument, the abbreviated one that installers ask for
// (https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md), and the
// manifest of one version. Members that nobody here knows are kept, in order.
//
// Parse and Encode work on documents that are ours, FromArchive makes a version of
// them from a package.json. Retarget, Abbreviate, Refs and Pick work on another
// registry's document as it is, in one pass over its bytes and without decoding it:
// the largest have tens of megabytes.
//
// What is read are parts of the text that was given, which must not change; who
// keeps a little of a large document copies it. Nothing escapes <, > and &, but json.Marshal
// does when it calls a MarshalJSON of this package.
package packument
