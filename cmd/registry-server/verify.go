package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/wire"
)

type verifyAll struct {
	serverFolder
	JSON bool `name:"json" group:"Output" help:"Print the report as JSON."`
}

// Help explains more than the line of the list of commands.
func (verifyAll) Help() string {
	return strings.TrimSpace(`Reads every row of the metadata and all bytes that packages need, whether the server runs or not, in the data folder or in S3 and
DynamoDB, and checks that bytes have their digests, that rows say what the archives say, that signatures are good, and that nothing
that is referred to is missing; that policies and tokens say one thing. It changes nothing. What is damaged is named, with what to do.

  registry-server verify --data /var/lib/registry
  registry-server verify --dynamodb-table acme --s3-bucket acme --data /var/lib/registry

What nobody signed and no archive says can't be told to be wrong: publishers, times, owners, dist-tags, deprecations, statistics.
Exit codes: 0 all is well; 1 something is wrong, or it could not be verified; 2 wrong usage.`)
}

// makes reports whether a data folder may be made: to look at a table and a bucket needs none.
func (c verifyAll) makes() bool {
	return c.metadata().Table != "" && c.bucket().Bucket != ""
}

// stopFor is how long a verification that was interrupted is given to end.
const stopFor = 5 * time.Second

func (c verifyAll) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if err := c.storage.check(); err != nil {
		return err
	}
	if _, err := client.Verify(ctx); err != nil && !underWay(err) {
		return err
	}
	found, err := c.follow(ctx, client, s)
	if err != nil {
		return fmt.Errorf("following the verification: %w", err)
	}
	if found.Phase != wire.VerifyDone {
		return fmt.Errorf("it could not be verified: %s", found.Error)
	}
	if err := c.print(s.stdout, found); err != nil {
		return err
	}
	if n := len(found.Problems); n > 0 {
		return fmt.Errorf("%s with what is kept", countOf(n, "thing is wrong", "things are wrong"))
	}
	return nil
}

// underWay reports whether the server verifies already: then that is what is followed.
func underWay(err error) bool {
	e, ok := errors.AsType[*adminclient.Error](err)
	return ok && e.Code == "verification_under_way"
}

// follow shows how far it is, until it has ended.
func (c verifyAll) follow(ctx context.Context, client *adminclient.Client, s streams) (wire.Verification, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	g := newGauge(s)
	defer g.end()
	for {
		v, err := client.Verification(ctx)
		if ctx.Err() != nil {
			return v, errors.Join(errors.New("interrupted; nothing was changed"), stopVerification(client))
		}
		if err != nil || v.Phase != wire.VerifyRunning {
			return v, err
		}
		g.show("verifying blobs", v.Blobs, v.BlobsTotal) // which take nearly all of the time
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// stopVerification ends what nobody waits for any more.
func stopVerification(client *adminclient.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopFor)
	defer cancel()
	return client.StopVerification(ctx)
}

func (c verifyAll) print(w io.Writer, v wire.Verification) error {
	if c.JSON {
		return writeJSON(w, v)
	}
	var b strings.Builder
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "wrong: %s %s: %s (%s)\n", p.Kind, shown(p.Name), shownText(p.Message), p.Code)
		for _, detail := range []struct{ what, text string }{{"bytes", p.Blob}, {"expected", p.Expected}, {"got", p.Got}, {"what to do", p.Remedy}} {
			if detail.text != "" {
				fmt.Fprintf(&b, "  %s: %s\n", detail.what, shownText(detail.text))
			}
		}
	}
	if v.More {
		b.WriteString("there is more that is wrong; verify again when this is repaired\n")
	}
	var checked []string
	for _, what := range slices.Sorted(maps.Keys(v.Checked)) {
		checked = append(checked, fmt.Sprintf("%d %s", v.Checked[what], what))
	}
	if len(checked) == 0 {
		checked = []string{"nothing is published"}
	}
	fmt.Fprintf(&b, "%s; %s (%s) and %s read", strings.Join(checked, ", "), countOf(int(v.Blobs), "blob", "blobs"), sizeOf(v.Bytes), countOf(int(v.Rows), "row", "rows"))
	if v.Unreferenced > 0 {
		fmt.Fprintf(&b, "; %s that nothing needs, which the server will remove", countOf(int(v.Unreferenced), "blob", "blobs"))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}
