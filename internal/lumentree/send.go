package lumentree

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// SendOptions of a publish to a server. The zero value works.
type SendOptions struct {
	Key ed25519.PrivateKey // signs the upload; nil: nobody does
	Now func() time.Time
}

// Send publishes a package to a server as Lumen's client does.
func (s *Site) Send(ctx context.Context, p Package, opt SendOptions) (out Published, err error) {
	out = Published{Name: p.Manifest.Name, Version: p.Manifest.Version, Hash: p.Archive.Tar.SHA256.String()}
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	if _, err := p.File.Seek(0, io.SeekStart); err != nil {
		return out, err
	}
	begin, end, err := opt.envelope(out)
	if err != nil {
		return out, err
	}
	encoded, stop := base64Of(io.LimitReader(p.File, p.Size))
	defer stop()
	body := io.MultiReader(strings.NewReader(begin), encoded, strings.NewReader(end))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL("v1/wares"), body)
	if err != nil {
		return out, err
	}
	req.ContentLength = int64(len(begin)+len(end)) + (p.Size+2)/3*4
	req.Header.Set("X-Lumen-Content-Hash", out.Hash)
	said, err := s.ask(req)
	out.Unchanged, out.SignedBy, out.Notice = said.Unchanged, said.SignedBy, said.Notice
	return out, err
}

// ask sends a request that changes something, and reads the answer.
func (s *Site) ask(req *http.Request) (said accepted, err error) {
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	client := &http.Client{Transport: s.guard, CheckRedirect: egress.CheckRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return said, fault.Wrap(err, fault.Upstream, "%s can't be reached; does a server answer there?", s.base)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	return answer(resp)
}

// envelope is what of the request's JSON stands before and behind the archive.
func (o SendOptions) envelope(p Published) (begin, end string, err error) {
	body := struct {
		Name      string           `json:"name"`
		Version   string           `json:"version"`
		Shasum    string           `json:"shasum"`
		Signature *uploadSignature `json:"signature,omitempty"`
		Tarball   string           `json:"tarball"`
	}{p.Name, p.Version, strings.TrimPrefix(p.Hash, "sha256:"), o.sign(p), ""}
	text, err := json.Marshal(body)
	begin, ended := strings.CutSuffix(string(text), `"}`) // that of the empty tarball
	if err == nil && !ended {
		err = fmt.Errorf("the request ends with %.20q", text[len(text)-2:])
	}
	return begin, `"}`, err
}

// uploadSignature is a registered key's signature as the client sends it.
type uploadSignature struct {
	Signature string `json:"signature"`
	KeyID     string `json:"key_id"`
	Timestamp string `json:"timestamp"`
}

func (o SendOptions) sign(p Published) *uploadSignature {
	if o.Key == nil {
		return nil
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	at := now().UTC().Format(time.RFC3339)
	sig := ed25519.Sign(o.Key, lumen.UploadMessage(p.Name, p.Version, p.Hash, at))
	return &uploadSignature{base64.StdEncoding.EncodeToString(sig), lumen.KeyID(o.Key.Public().(ed25519.PublicKey)), at}
}

// base64Of reads what a reader has as standard base64. stop must be called.
func base64Of(r io.Reader) (encoded io.Reader, stop func()) {
	read, write := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e := base64.NewEncoder(base64.StdEncoding, write)
		_, err := io.Copy(e, r)
		_ = write.CloseWithError(errors.Join(err, e.Close())) // never fails
	}()
	return read, func() {
		_ = read.Close() // never fails
		<-ended
	}
}

// maxAnswer bounds an answer to a publish, in bytes.
const maxAnswer = 1 << 20

// accepted is what a server says to a publish.
type accepted struct {
	Error     string `json:"error"`
	Unchanged bool   `json:"unchanged"`
	SignedBy  string `json:"signed_by"`
	Notice    string `json:"notice"`
}

// answer reads it.
func answer(resp *http.Response) (body accepted, err error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return body, fault.Wrap(err, fault.Upstream, "the server's answer broke off; publish again, which does no harm")
	}
	known := json.Unmarshal(text, &body) == nil
	switch {
	case resp.StatusCode < http.StatusMultipleChoices && known:
		return body, nil
	case resp.StatusCode == http.StatusConflict && body.Error != "":
		return body, fault.New(fault.Exists, "%s", body.Error)
	case body.Error != "":
		return body, fault.New(fault.Upstream, "the server refuses it: %s", body.Error)
	}
	return body, fault.New(fault.Upstream, "the server answers with the status %d and no explanation; is there a registry-server at this URL?", resp.StatusCode)
}
