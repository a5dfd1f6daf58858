package lumentree

import (
	"slices"

	"github.com/org/registry-action/internal/format/lumen"
)

// checkUpload checks the publisher's own signature, which metadata need not have: that it is of one of the archives and by the key beside
// it, and if that is said to be certified, by a key of the registry. Whose a registered key is, only the registry knows.
func (v *verifier) checkUpload(path string, m lumen.Metadata) {
	u := *m.Upload
	if err := u.Verify(m.Name, m.Version); err != nil {
		v.problem(path, CodeSignature, "its upload_signature is not good: %s", said(err))
		return
	}
	if !slices.ContainsFunc(m.Artifacts, func(a lumen.Artifact) bool { return a.Hash == u.Hash }) {
		v.problem(path, CodeSignature, "its upload_signature is of the archive %s, which is none of its artifacts", u.Hash)
		return
	}
	if u.Certificate == "" || !v.signed {
		return
	}
	c, err := lumen.OpenCertificate(u.Certificate, v.keys)
	switch {
	case err != nil && v.revoked(u.Certificate):
		v.note("%s: who signed the upload can't be told any more: the certificate is by a key that was revoked", path)
	case err != nil:
		v.problem(path, CodeSignature, "its upload_signature is not good: %s", said(err))
	case m.Publisher != nil && m.Publisher.Name != "" && m.Publisher.Name != c.Subject:
		v.problem(path, CodeSignature, "its upload_signature is by %.80q, and its publisher is %.80q", c.Subject, m.Publisher.Name)
	}
}

// revoked reports whether a certificate is by a key of the registry that was revoked, and would be good else.
func (v *verifier) revoked(certificate string) bool {
	keys := lumen.Keys{Keys: slices.Clone(v.keys.Keys)}
	for i := range keys.Keys {
		keys.Keys[i].Revoked = false
	}
	_, err := lumen.OpenCertificate(certificate, keys)
	return err == nil
}
