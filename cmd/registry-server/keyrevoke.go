package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
)

type keyRevoke struct {
	serverFolder
	keyKind
	KeyID string `arg:"" name:"key" help:"The key, as key list shows it."`
}

// Help explains more than the line of the list of commands.
func (keyRevoke) Help() string {
	return `For a key that got into other hands. If it is the current one, another takes its place first. The versions here that it signed are signed
by the current key, then it is listed as revoked, and registry-server verify lumen takes no signature by it. Trees that were exported before
are good again after the next export. If it is cut short, run it again.

The registry signatures of npm know no revocation: their clients read of a key only until when it is good. A new key for what is
published from now on is made by registry-server key rotate.`
}

func (keyRevoke) makes() bool { return false }

var lumenKeyID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Validate refuses what can't be revoked; it is called for options that were read.
func (c keyRevoke) Validate() error {
	switch {
	case c.Kind == "npm":
		return config.Usagef("a key of npm can't be revoked: its clients know of a key only until when it is good; make another the current one with registry-server key rotate, or give --kind lumen")
	case !lumenKeyID.MatchString(c.KeyID):
		return config.Usagef("%q is no key of Lumen packages; give 32 hex digits as registry-server key list --kind lumen shows them", c.KeyID)
	}
	return nil
}

func (c keyRevoke) run(ctx context.Context, client *adminclient.Client, s streams) error {
	out, err := client.RevokeLumenKey(ctx, c.KeyID)
	if err != nil {
		return err
	}
	s.say("the key %s is revoked; Lumen packages are signed with %s, also the %d versions that the other had signed", c.KeyID, out.Current.KeyID, out.Resigned)
	for _, version := range out.Left {
		s.say("%s: its signature was not good and was not replaced; restore it from a backup, or yank it and publish another version", version)
	}
	if len(out.Left) > 0 {
		return fmt.Errorf("%d versions have no good signature", len(out.Left))
	}
	s.say("who pinned the keys adds the present one and takes the other out, or marks it as revoked; exports are to be made again")
	return nil
}
