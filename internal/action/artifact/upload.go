package artifact

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// version is that of the protocol whose fields every service knows.
const version = 4

// kept is how long an artifact stays, the shortest that GitHub offers.
const kept = 24 * time.Hour

// artifactName is what all services take; it is also safe in a path.
var artifactName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$`)

type createRequest struct {
	Run       string    `json:"workflow_run_backend_id"`
	Job       string    `json:"workflow_job_run_backend_id"`
	Name      string    `json:"name"`
	ExpiresAt time.Time `json:"expires_at"`
	Version   int       `json:"version"`
}

// createAnswer has the names of both forms of Protocol Buffers in JSON.
type createAnswer struct {
	OK        bool   `json:"ok"`
	URL       string `json:"signed_upload_url"`
	URLCamels string `json:"signedUploadUrl"`
}

type finalizeRequest struct {
	Run  string `json:"workflow_run_backend_id"`
	Job  string `json:"workflow_job_run_backend_id"`
	Name string `json:"name"`
	Size string `json:"size"` // bytes
	Hash string `json:"hash"` // sha256:…
}

type finalizeAnswer struct {
	OK bool `json:"ok"`
}

// Upload attaches an artifact that has one file to the run. A name is good once in a run: of a second artifact
// of a name, and of one whose making was interrupted, the error is fault.Exists. It is kept for a day.
func (s *Service) Upload(ctx context.Context, name, file string, content []byte) error {
	if !artifactName.MatchString(name) {
		return fault.New(fault.Invalid, "%.250q is no name of an artifact", name)
	}
	archive, err := zipOf(file, content)
	if err != nil {
		return err
	}
	var created createAnswer
	err = s.twirp(ctx, "CreateArtifact", createRequest{s.run, s.job, name, time.Now().Add(kept).UTC(), version}, &created)
	if err == nil && !created.OK {
		err = errors.New("the service says no")
	}
	if err != nil {
		return fmt.Errorf("making the artifact %s: %w", name, err)
	}
	if err := s.store(ctx, created.URL+created.URLCamels, archive); err != nil {
		return fmt.Errorf("uploading the artifact %s: %w", name, err)
	}
	sum := sha256.Sum256(archive)
	var done finalizeAnswer
	err = s.twirp(ctx, "FinalizeArtifact", finalizeRequest{s.run, s.job, name, strconv.Itoa(len(archive)), "sha256:" + hex.EncodeToString(sum[:])}, &done)
	if err == nil && !done.OK {
		err = errors.New("the service says no")
	}
	if err != nil {
		return fmt.Errorf("finishing the artifact %s: %w", name, err)
	}
	return nil
}

func zipOf(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("zipping %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func (s *Service) twirp(ctx context.Context, method string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	u := s.base.JoinPath("twirp", "github.actions.results.api.v1.ArtifactService", method)
	header := http.Header{"Authorization": {"Bearer " + s.opt.Token}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	answer, err := s.send(ctx, request{http.MethodPost, u, header, text})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s answered what is not JSON: %w", method, err)
	}
	return nil
}

// blockList is the body of Put Block List.
type blockList struct {
	XMLName xml.Name `xml:"BlockList"`
	Latest  []string `xml:"Latest"`
}

// store brings the archive to the blob store behind a signed URL, which is a secret.
func (s *Service) store(ctx context.Context, signed string, archive []byte) error {
	u, err := url.Parse(signed)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || s.base.Scheme != "http") {
		return errors.New("the service gave no URL to upload to") // an error of Parse has the whole URL
	}
	id := base64.StdEncoding.EncodeToString([]byte("block-0000"))
	list, err := xml.Marshal(blockList{Latest: []string{id}})
	if err != nil {
		return err
	}
	header := http.Header{"X-Ms-Version": {"2020-10-02"}, "Content-Type": {"application/octet-stream"}}
	if _, err := s.send(ctx, request{http.MethodPut, with(u, "comp", "block", "blockid", id), header, archive}); err != nil {
		return err
	}
	header = http.Header{"X-Ms-Version": {"2020-10-02"}, "X-Ms-Blob-Content-Type": {"application/zip"}, "Content-Type": {"application/xml"}}
	_, err = s.send(ctx, request{http.MethodPut, with(u, "comp", "blocklist"), header, append([]byte(xml.Header), list...)})
	return err
}

// with adds to a URL's query. What is there stays as it is, since it is signed.
func with(u *url.URL, pairs ...string) *url.URL {
	out, more := *u, url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		more.Set(pairs[i], pairs[i+1])
	}
	if out.RawQuery != "" {
		out.RawQuery += "&"
	}
	out.RawQuery += more.Encode()
	return &out
}
