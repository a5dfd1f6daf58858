package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// How long a command waits for a folder that is in use by a server that does not
// answer: one that is just starting or stopping, or another command.
const (
	connectFor   = 10 * time.Second
	connectEvery = 200 * time.Millisecond
)

// connect returns a client of the server of a data folder: one opened in this
// process if nobody uses the folder, else the one that is running. done must be called.
func connect(ctx context.Context, c command, s streams) (client *adminclient.Client, done func() error, err error) {
	dir := c.folder()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if !c.makes() {
			return nil, nil, fmt.Errorf("there is no data folder %s; name the server's with --data (REGISTRY_DATA)", dir)
		}
		s.say("making the data folder %s", dir)
	}
	ctx, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	tick := time.NewTicker(connectEvery)
	defer tick.Stop()
	for {
		client, done, err = open(dir, c)
		if !errors.Is(err, fault.Unavailable) {
			return client, done, err
		}
		if client, err = join(ctx, dir); err == nil {
			return client, func() error { client.Close(); return nil }, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("another process is using the data folder %s, and no server answers there (%w); if it is a command, wait for it; if it is a server, restart it", dir, err)
		}
	}
}

// open opens the folder in this process; fault.Unavailable if another process uses it.
func open(dir string, cmd command) (*adminclient.Client, func() error, error) {
	token, limit := rand.Text(), cmd.limit()
	c := registry.Config{
		DataDir: dir, BaseURL: "http://localhost", ControlToken: token, Version: config.Version(), MaxPackage: limit, MaxPublish: limit,
		NoUpstream: true,    // an admin may take any name, so there is nothing to ask
		CacheSize:  1 << 60, // what a server cached there is not a command's to evict
	}
	if told, ok := cmd.(interface{ stores() storage }); ok {
		where := told.stores()
		if err := where.check(); err != nil {
			return nil, nil, err
		}
		c.S3, c.DynamoDB = where.bucket(), where.metadata()
	}
	reg, err := registry.New(c)
	if err != nil {
		return nil, nil, err
	}
	return adminclient.InProcess(reg.Handler(), token), reg.Close, nil
}

// join returns a client of the server that is using the folder.
func join(ctx context.Context, dir string) (*adminclient.Client, error) {
	r, err := adminclient.ReadRunning(dir)
	if err != nil {
		return nil, err
	}
	client := adminclient.Remote(r.URL, r.Token)
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// announce tells commands on this machine how to reach the server.
func announce(dir string, addr net.Addr, token string) (remove func() error, err error) {
	return adminclient.WriteRunning(dir, adminclient.Running{URL: ownURL(addr), Token: token})
}

// ownURL is where this machine reaches a server that listens on addr.
func ownURL(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1" // a wildcard listens for both families
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}
