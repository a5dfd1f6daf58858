package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// npmTarball makes a tarball with a file of size bytes that do not compress, and a README unless it is empty.
func npmTarball(name, version, readme string, size int, manifest map[string]any) ([]byte, error) {
	text, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	noise := make([]byte, size)
	x := uint32(len(name)*31 + len(version)*7 + size)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	type file struct {
		name    string
		content []byte
	}
	files := []file{{"package/package.json", text}, {"package/index.js", noise}}
	if readme != "" {
		files = append(files, file{"package/README.md", []byte(readme)})
	}
	for _, f := range files {
		if err := tw.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			return nil, err
		}
		if _, err := tw.Write(f.content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(tw.Close(), gz.Close())
	return b.Bytes(), err
}

// npmPublish publishes a version as npm does.
func npmPublish(ctx context.Context, registry, token, name, version string, size int) error {
	doc, err := npmDocument(registry, name, version, size)
	if err != nil {
		return err
	}
	_, err = send(ctx, http.MethodPut, registry+"/"+url.PathEscape(name), token, doc)
	return err
}

// npmDocument is what npm sends to publish a version.
func npmDocument(registry, name, version string, size int) ([]byte, error) {
	return npmDocumentWith(registry, name, version, "", size)
}

// npmDocumentWith is npmDocument of a package with a README in its tarball.
func npmDocumentWith(registry, name, version, readme string, size int) ([]byte, error) {
	manifest := map[string]any{
		"name": name, "version": version, "description": "A package to measure with", "main": "index.js", "license": "MIT",
		"dependencies": map[string]string{"left-pad": "^1.3.0", "lodash": "^4.17.21", "@acme/other": "^2.0.0"}, "engines": map[string]string{"node": ">=18"},
	}
	tgz, err := npmTarball(name, version, readme, size, manifest)
	if err != nil {
		return nil, err
	}
	sum512, sum1 := sha512.Sum512(tgz), sha1.Sum(tgz)
	base := name[strings.LastIndex(name, "/")+1:]
	manifest["_id"] = name + "@" + version
	manifest["dist"] = map[string]string{
		"integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum512[:]), "shasum": hex.EncodeToString(sum1[:]),
		"tarball": registry + "/" + name + "/-/" + base + "-" + version + ".tgz",
	}
	return json.Marshal(map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]string{"latest": version}, "versions": map[string]any{version: manifest}, "access": nil,
		"_attachments": map[string]any{name + "-" + version + ".tgz": map[string]any{
			"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(tgz), "length": len(tgz),
		}},
	})
}

// send makes a JSON request and returns the answer's body.
func send(ctx context.Context, method, url, token string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s answered %d: %.300s", method, url, resp.StatusCode, answer)
	}
	return answer, err
}

// signUp makes an account by npm's legacy login and returns its token.
func signUp(ctx context.Context, registry string) (string, error) {
	answer, err := send(ctx, http.MethodPut, registry+"/-/user/org.couchdb.user:bench", "",
		[]byte(`{"_id":"org.couchdb.user:bench","name":"bench","password":"correct-horse","email":"bench@example.com","type":"user","roles":[]}`))
	if err != nil {
		return "", err
	}
	var login struct{ Token string }
	if err := json.Unmarshal(answer, &login); err != nil || login.Token == "" {
		return "", fmt.Errorf("%s gave no token: %.200s", registry, answer)
	}
	return login.Token, nil
}
