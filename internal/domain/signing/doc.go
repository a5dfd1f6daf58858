// Package signing keeps the registry's signing keys and signs versions with the
// current one. A key that was replaced stays listed, with the time it was
// replaced at: what was published before then stays good. Its private half is
// forgotten.
package signing
