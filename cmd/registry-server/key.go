package main

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/wire"
)

type keyList struct {
	dataFolder
	JSON bool `name:"json" group:"Output" help:"Print the keys as GET /-/npm/v1/keys answers them."`
}

func (keyList) makes() bool { return false }

func (c keyList) run(ctx context.Context, client *adminclient.Client, s streams) error {
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

func goodFor(k wire.Key) string {
	if k.Expires == nil {
		return "what is published now"
	}
	return "what was published before " + k.Expires.UTC().Format(time.RFC3339)
}

type keyRotate struct{ dataFolder }

// Help explains more than the line of the list of commands.
func (keyRotate) Help() string {
	return `New versions are signed with the new key. The old one stays listed with the time at which it was replaced, so that
npm audit signatures goes on accepting what it signed before then.`
}

func (keyRotate) makes() bool { return true }

func (keyRotate) run(ctx context.Context, client *adminclient.Client, s streams) error {
	key, err := client.RotateKey(ctx)
	if err != nil {
		return err
	}
	s.say("versions are signed with the key %s from now on", key.KeyID)
	return nil
}
