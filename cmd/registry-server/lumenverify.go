package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/lumentree"
)

type verifyLumen struct {
	Tree string `arg:"" name:"tree" help:"URL of a registry, such as https://registry.example.com/lumen, a folder, or s3://bucket/prefix."`
	bucketFlags
	Keys  string `type:"path" placeholder:"FILE" group:"Trust" help:"The keys that are believed. Where the file is not there, those of the tree are written to it: it is trusted on first use."`
	Seen  string `type:"path" placeholder:"FILE" group:"Trust" help:"The number of the newest checkpoint that was seen is kept there: an older tree is wrong, even if it has not expired."`
	Token string `env:"VERIFY_TOKEN" secret:"" group:"Trust" help:"A token that may read, where not everybody may. It is sent to whatever URL is verified."`
	JSON  bool   `name:"json" group:"Output" help:"Print the report as JSON."`
}

// Help explains more than the line of the list of commands.
func (verifyLumen) Help() string {
	return strings.TrimSpace(`Reads a whole registry, archives included, and checks that hashes and sizes are right, that each archive holds the package that it is
served as, that versions and the checkpoint are signed, and that the indexes are whole, agree, and are the present ones.

  registry-server verify lumen /var/www/lumen
  registry-server verify lumen https://registry.example.com/lumen --keys lumen-keys.json

Without --keys a tree is believed about its own keys, so that somebody who replaced all of it is not found out. It may be verified
while it is exported. Exit codes: 0 all is well; 1 something is wrong, or it can't be read; 2 wrong usage.`)
}

// Validate refuses what is no place to read; it is called for options that were read.
func (c verifyLumen) Validate() error { return checkFolder(c.Tree) }

func (c verifyLumen) do(ctx context.Context, s streams) (err error) {
	opt := lumentree.VerifyOptions{}
	firstUse := false
	if c.Keys != "" {
		opt.Keys, err = lumentree.ReadPins(c.Keys)
		if firstUse = errors.Is(err, os.ErrNotExist); firstUse {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if c.Seen != "" {
		if opt.Seen, err = lumentree.ReadSeen(c.Seen); err != nil {
			return err
		}
	}
	tree, done, err := openTree(ctx, c.Tree, c.Token, c.bucketFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	m := newMeter("verifying", s)
	opt.Progress = m.show
	v, err := lumentree.Verify(ctx, tree, opt)
	m.end()
	if err != nil {
		return err
	}
	if err := c.print(s.stdout, v); err != nil {
		return err
	}
	if n := len(v.Problems); n > 0 {
		return fmt.Errorf("%s with %s", countOf(n, "thing is wrong", "things are wrong"), c.Tree)
	}
	if firstUse {
		if err := c.trust(v, s); err != nil {
			return err
		}
	}
	if c.Seen != "" {
		return c.remember(lumentree.Seen{Sequence: v.Sequence, Root: v.Root})
	}
	return nil
}

// remember writes the checkpoint of a tree that was found good.
func (c verifyLumen) remember(now lumentree.Seen) error {
	if now.Root == "" {
		return fault.New(fault.Invalid, "nobody signed %s, so it has no checkpoint to remember in %s; leave out --seen", c.Tree, c.Seen)
	}
	return now.Write(c.Seen)
}

// trust writes the keys of a tree that was found good.
func (c verifyLumen) trust(v lumentree.Verification, s streams) error {
	if len(v.Keys) == 0 {
		return fault.New(fault.Invalid, "nobody signed %s, so it has no keys to write to %s; leave out --keys", c.Tree, c.Keys)
	}
	if err := lumentree.WritePins(c.Keys, v.Keys); err != nil {
		return err
	}
	s.say("the keys of this tree are trusted from now on; they are in %s", c.Keys)
	return nil
}

func (c verifyLumen) print(w io.Writer, v lumentree.Verification) error {
	if c.JSON {
		return writeJSON(w, v)
	}
	var b strings.Builder
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "wrong: %s: %s (%s)\n", shown(p.Path), shownText(p.Message), p.Code)
	}
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "note: %s\n", shownText(note))
	}
	fmt.Fprintf(&b, "%s, %s (%d signed, %d yanked), %s (%s)\n", countOf(v.Packages, "package", "packages"), countOf(v.Versions, "version", "versions"),
		v.Signed, v.Yanked, countOf(v.Artifacts, "archive", "archives"), sizeOf(v.Bytes))
	_, err := io.WriteString(w, b.String())
	return err
}

// shownText is a message about foreign files as a terminal may get it.
func shownText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
