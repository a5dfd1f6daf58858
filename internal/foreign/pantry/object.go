package pantry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/store/awsconfig"
)

// Tarball is a tarball that was fetched, in a file that Close removes.
type Tarball struct{ *os.File }

// Close closes and removes the file.
func (t Tarball) Close() error { return errors.Join(t.File.Close(), os.Remove(t.Name())) }

// fetchTime is what fetching one tarball may take.
const fetchTime = 15 * time.Minute

// Open fetches a tarball. problem is what is wrong with this one; an error, that the bucket can't be read.
func (t *Table) Open(ctx context.Context, file string) (out Tarball, problem, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	name := path.Join(t.remote.Prefix, file)
	answer, err := t.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &t.remote.Bucket, Key: &name})
	if err != nil {
		problem, err = t.objectError(name, err)
		return out, problem, err
	}
	defer answer.Body.Close() // it is only read
	if out.File, err = os.CreateTemp("", "import-*"); err != nil {
		return out, nil, err
	}
	n, err := io.Copy(out.File, io.LimitReader(answer.Body, t.remote.MaxArchive+1))
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		return out, nil, errors.Join(fmt.Errorf("fetching %s: %w", t.show(name), err), out.Close())
	}
	if n > t.remote.MaxArchive {
		return out, errors.Join(fmt.Errorf("%s has more than %d bytes; raise --max-package-size (MAX_PACKAGE_SIZE)", t.show(name), t.remote.MaxArchive), out.Close()), nil
	}
	return out, nil, nil
}

// objectError tells a tarball that is not there from a bucket that can't be read.
func (t *Table) objectError(name string, err error) (problem, fatal error) {
	switch status := awsconfig.Status(err); {
	case awsconfig.Code(err) == "NoSuchBucket":
		return nil, fmt.Errorf("there is no bucket %s; give its name with --bucket: %w", t.remote.Bucket, err)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s is missing", t.show(name)), nil
	case status == http.StatusForbidden || status == http.StatusUnauthorized: // also of what is missing, without s3:ListBucket
		return nil, fmt.Errorf("the credentials may not read %s; they need s3:GetObject and s3:ListBucket: %w", t.show(name), err)
	}
	return nil, fmt.Errorf("fetching %s: %w", t.show(name), err)
}

// show is an object as people write it.
func (t *Table) show(name string) string { return "s3://" + t.remote.Bucket + "/" + name }
