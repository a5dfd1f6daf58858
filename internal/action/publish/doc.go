// Package publish is the conductor of publish-commit: it finds out which commit
// this is, packs the packages, uploads what the registry does not have, asks what has
// changed, and tells people: outputs, summary, annotations, the commit's status, and
// one comment on the pull request. Each step stands in a file of its own.
package publish
