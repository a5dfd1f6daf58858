// Package pack turns workspace members into npm tarballs, as `npm pack` would,
// without touching the working tree: only the user's own lifecycle scripts
// write there.
//
// Run packs members natively, or delegates to a package manager and takes its
// archive apart again; both give split tarballs (package tarball). Tarball takes
// a .tgz that somebody else made as it is. Folder packs what compilers of Zig fetch, and what Lumen's client unpacks.
//
// Lifecycle scripts run one package at a time, a package after the siblings it
// depends on, through the workspace's package manager: prepack, prepare and
// postpack (yarn runs no prepare when it packs). A package that has a postpack
// is packed before it, as that script may undo what prepack did; all others are
// packed in parallel once every script has run.
package pack
