package main

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/lumentree"
)

type keyCreate struct {
	File string `arg:"" type:"path" help:"The file to write, which must not be there. Who has it signs as you."`
}

// Help explains more than the line of the list of commands.
func (keyCreate) Help() string {
	return strings.TrimSpace(`Writes an Ed25519 key as Lumen's client before 0.6 keeps its own. It signs a static tree, by registry-server publish lumen --key,
or uploads to a server, where its public half is registered.

  registry-server key create ~/.lumen/keys/release.json`)
}

func (c keyCreate) do(_ context.Context, s streams) error {
	k, err := lumentree.CreateKey(c.File, s.now())
	if err != nil {
		return err
	}
	s.say("the key %s is in %s, with its secret half; its public half is %s", k.KeyID, c.File, k.PublicKey)
	return nil
}
