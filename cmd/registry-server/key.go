package main

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/wire"
)

// keyKind chooses between the keys of a server.
type keyKind struct {
	Kind string `enum:"npm,lumen" default:"npm" group:"Keys" help:"Whose keys: npm, those of registry signatures; lumen, those of Lumen packages."`
}

type keyList struct {
	serverFolder
	keyKind
	JSON bool `name:"json" group:"Output" help:"Print the keys as GET /-/npm/v1/keys or GET /lumen/keys.json answers them."`
}

func (keyList) makes() bool { return false }

func (c keyList) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if c.Kind == "lumen" {
		return c.lumen(ctx, client, s)
	}
	keys, err := client.Keys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, keys)
	}
	rows := [][]string{{"KEY", "TYPE", "GOOD FOR"}}
	for _, k := range keys.Keys {
		rows = append(rows, []string{k.KeyID, k.KeyType, goodFor(k)})
	}
	return writeTable(s.stdout, rows)
}

func (c keyList) lumen(ctx context.Context, client *adminclient.Client, s streams) error {
	keys, err := client.LumenKeys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, keys)
	}
	rows := [][]string{{"KEY", "TYPE", "GOOD FOR"}}
	for _, k := range keys.Keys {
		rows = append(rows, []string{k.KeyID, k.Algorithm, lumenGoodFor(k)})
	}
	return writeTable(s.stdout, rows)
}

func lumenGoodFor(k wire.LumenKey) string {
	switch {
	case k.Revoked:
		return "nothing: it was revoked"
	case k.NotAfter != "":
		return "what was published before " + k.NotAfter
	}
	return "what is published now"
}

func goodFor(k wire.Key) string {
	if k.Expires == nil {
		return "what is published now"
	}
	return "what was published before " + k.Expires.UTC().Format(time.RFC3339)
}

type keyRotate struct {
	serverFolder
	keyKind
}

// Help explains more than the line of the list of commands.
func (keyRotate) Help() string {
	return `New versions are signed with the new key. The old one stays listed with the time at which it was replaced, so that
npm audit signatures and registry-server verify lumen go on accepting what it signed before then.`
}

func (keyRotate) makes() bool { return true }

func (c keyRotate) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if c.Kind == "lumen" {
		key, err := client.RotateLumenKey(ctx)
		if err != nil {
			return err
		}
		s.say("Lumen packages are signed with the key %s from now on; who pinned the keys adds it", key.KeyID)
		return nil
	}
	key, err := client.RotateKey(ctx)
	if err != nil {
		return err
	}
	s.say("versions are signed with the key %s from now on", key.KeyID)
	return nil
}
