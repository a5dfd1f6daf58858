package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/lumentree"
	"github.com/org/registry-action/registry"
)

type exportLumen struct {
	To string `arg:"" name:"destination" help:"A folder, or s3://bucket/prefix."`

	dataFolder
	Registry  string `placeholder:"URL" group:"Source" help:"Export from this server, such as https://registry.example.com, and not from a data folder."`
	Token     string `env:"REGISTRY_TOKEN" secret:"" group:"Source" help:"A token that may read, where not everybody may."`
	LumenName string `env:"LUMEN_NAME" default:"registry" group:"Source" help:"As the server of the data folder has it."`

	Verify   bool   `group:"Tree" help:"Read and hash what is there, and put right what was changed."`
	NoJekyll bool   `name:"nojekyll" group:"Tree" help:"Write .nojekyll, by which GitHub Pages serves the tree as it is."`
	NGINX    string `name:"nginx" type:"path" placeholder:"FILE" group:"Tree" help:"Write the configuration of an nginx that serves the folder."`
	CORS     string `name:"cors" type:"path" placeholder:"FILE" group:"Tree" help:"Write the configuration for: aws s3api put-bucket-cors."`

	writingFlags

	JSON bool `name:"json" group:"Output" help:"Print the report as JSON."`
}

// Help explains more than the line of the list of commands.
func (exportLumen) Help() string {
	return strings.TrimSpace(`Writes the registry as files that any web server, bucket or Pages can serve to Lumen's client. Only what changed is written, and
what is referred to before what refers to it: readers see a whole registry at every moment, also if the export is killed.

  registry-server export lumen /var/www/lumen --data /var/lib/registry
  registry-server export lumen s3://lumen-registry --registry https://registry.example.com
  registry-server export lumen ./gh-pages --nojekyll --registry http://localhost:3000

The server may run or not. Credentials of buckets are found as by every program of AWS. One writer at a time has a folder or a
bucket's prefix; others wait for it for a while.`)
}

// Validate refuses what is no place to write to; it is called for options that were read.
func (c exportLumen) Validate() error {
	if strings.Contains(c.To, "://") && !isStatic(c.To) {
		return config.Usagef("%q can't be written to; give a folder or s3://bucket/prefix", c.To)
	}
	return checkFolder(c.To)
}

func (c exportLumen) do(ctx context.Context, s streams) (err error) {
	if err := c.writeFiles(); err != nil {
		return err
	}
	source, done, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	sink, err := c.sink(ctx, c.To, c.Verify)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	m := newMeter("exporting", s)
	report, err := lumentree.Export(ctx, source, sink, lumentree.Options{Verify: c.Verify, Extras: c.extras(), Progress: m.show})
	m.end()
	if err != nil {
		return fmt.Errorf("the export ended early, and can be run again: %w", err)
	}
	if c.JSON {
		return writeJSON(s.stdout, report)
	}
	_, err = fmt.Fprintf(s.stdout, "%s: %d written (%s), %d deleted\n", countOf(report.Files, "file", "files"), report.Written, sizeOf(report.Bytes), report.Deleted)
	return err
}

// writeFiles writes what is not a part of the tree.
func (c exportLumen) writeFiles() error {
	if c.NGINX != "" {
		if strings.HasPrefix(c.To, bucketScheme) {
			return config.Usagef("nginx serves folders; leave out --nginx, or export to a folder")
		}
		text, err := lumentree.NGINX(folderOf(c.To))
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.NGINX, text, 0o644); err != nil {
			return err
		}
	}
	if c.CORS != "" {
		return os.WriteFile(c.CORS, []byte(lumentree.CORS), 0o644)
	}
	return nil
}

func (c exportLumen) extras() map[string][]byte {
	if !c.NoJekyll {
		return nil
	}
	return map[string][]byte{lumentree.NoJekyll: {}}
}

// source is the server that is named, else that of the data folder: the one that runs, or one that is opened for this.
func (c exportLumen) source(ctx context.Context) (*lumentree.Site, func() error, error) {
	if c.Registry != "" {
		return c.site(lumenBase(c.Registry), c.Token)
	}
	dir := c.folder()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no data folder %s; name the server's with --data (REGISTRY_DATA), or a server with --registry", dir)
	}
	token := rand.Text()
	reg, err := registry.New(registry.Config{
		DataDir: dir, BaseURL: "http://localhost", Token: token, ReadAuth: true, LumenName: c.LumenName, Version: config.Version(), NoUpstream: true, CacheSize: 1 << 60,
	})
	if errors.Is(err, fault.Unavailable) {
		r, runErr := adminclient.ReadRunning(dir)
		if runErr != nil {
			return nil, nil, fmt.Errorf("another process is using the data folder %s, and no server answers there; if it is a command, wait for it: %w", dir, err)
		}
		return c.site(lumenBase(r.URL), c.Token)
	}
	if err != nil {
		return nil, nil, err
	}
	base, stop, err := loopback(ctx, reg.Handler())
	if err != nil {
		return nil, nil, errors.Join(err, reg.Close())
	}
	site, done, err := c.site(lumenBase(base), token)
	if err != nil {
		return nil, nil, errors.Join(err, stop(), reg.Close())
	}
	return site, func() error { return errors.Join(done(), stop(), reg.Close()) }, nil
}

func (exportLumen) site(base, token string) (*lumentree.Site, func() error, error) {
	site, err := lumentree.OpenSite(base, token)
	if err != nil {
		return nil, nil, err
	}
	return site, site.Close, nil
}

// lumenBase is where the Lumen registry of a server is, by the URL of either.
func lumenBase(server string) string {
	u, err := url.Parse(server)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return server
	}
	u.Path = "/lumen"
	return u.String()
}

const readHeaderTimeout = 10 * time.Second

// loopback serves a handler to this process until stop is called.
func loopback(ctx context.Context, h http.Handler) (base string, stop func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := srv.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}
