// Package artifact attaches a small file to the workflow run that this process is a job of, as
// actions/upload-artifact does. Only jobs of a run hold the token for that, so the artifact shows which run it is of.
//
// It speaks to the results service of GitHub Actions in three steps: CreateArtifact (Twirp with JSON bodies) gives a
// signed URL of a blob store, where the zip goes as one block and a list of blocks (Azure Blob Storage, Put Block and
// Put Block List); FinalizeArtifact tells its size and SHA-256. The source of this is github.com/actions/toolkit,
// packages/artifact; what GitHub added there since version 4 of the protocol is left out, as other forges lack it.
package artifact
