package lumentree

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// Send publishes a package to a server as Lumen's client does.
func (s *Site) Send(ctx context.Context, p Package) (out Published, err error) {
	out = Published{Name: p.Manifest.Name, Version: p.Manifest.Version, Hash: p.Archive.Tar.SHA256.String()}
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	if _, err := p.File.Seek(0, io.SeekStart); err != nil {
		return out, err
	}
	begin := fmt.Sprintf(`{"name":%q,"version":%q,"shasum":%q,"tarball":"`, out.Name, out.Version, p.Archive.Tar.SHA256.Hex())
	const end = `"}`
	encoded, stop := base64Of(io.LimitReader(p.File, p.Size))
	defer stop()
	body := io.MultiReader(strings.NewReader(begin), encoded, strings.NewReader(end))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL("v1/wares"), body)
	if err != nil {
		return out, err
	}
	req.ContentLength = int64(len(begin)+len(end)) + (p.Size+2)/3*4
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Lumen-Content-Hash", out.Hash)
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return out, fault.Wrap(err, fault.Upstream, "%s can't be reached; does a server answer there?", s.base)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	out.Unchanged, err = answer(resp)
	return out, err
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

// answer reads what a server says to a publish.
func answer(resp *http.Response) (unchanged bool, err error) {
	var body struct {
		Error     string `json:"error"`
		Unchanged bool   `json:"unchanged"`
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return false, fault.Wrap(err, fault.Upstream, "the server's answer broke off; publish again, which does no harm")
	}
	known := json.Unmarshal(text, &body) == nil
	switch {
	case resp.StatusCode < http.StatusMultipleChoices && known:
		return body.Unchanged, nil
	case resp.StatusCode == http.StatusConflict && body.Error != "":
		return false, fault.New(fault.Exists, "%s", body.Error)
	case body.Error != "":
		return false, fault.New(fault.Upstream, "the server refuses it: %s", body.Error)
	}
	return false, fault.New(fault.Upstream, "the server answers with the status %d and no explanation; is there a registry-server at this URL?", resp.StatusCode)
}
