package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/store/awsconfig"
)

const (
	farName   = "bench" // of the bucket and the table
	farAccess = "bench"
	farSecret = "bench-secret"
)

// awsEnvironment is what a client of AWS finds.
func awsEnvironment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": farAccess, "AWS_SECRET_ACCESS_KEY": farSecret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// useAWS gives this process, and those it starts, the credentials of the measurement.
func useAWS() error {
	for name, value := range awsEnvironment() {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// farStores are a versitygw and, if it was asked for, a moto, reached directly.
type farStores struct {
	gateway *clients.VersityGWServer
	moto    *clients.MotoServer // nil: none
	port    *socketPort
	config  aws.Config
}

func startFar(ctx context.Context, withTable bool) (f *farStores, err error) {
	f = &farStores{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop())
		}
	}()
	if err := useAWS(); err != nil {
		return f, err
	}
	if f.gateway, err = clients.StartVersityGW(ctx, farName, farAccess, farSecret); err != nil {
		return f, err
	}
	if f.port, err = openPort(f.gateway.Socket); err != nil {
		return f, err
	}
	if withTable {
		if f.moto, err = clients.StartMoto(ctx); err != nil {
			return f, err
		}
	}
	f.config, err = awsconfig.Load(ctx, "")
	return f, err
}

func (f *farStores) stop() (err error) {
	if f.moto != nil {
		err = f.moto.Stop()
	}
	if f.gateway != nil {
		err = errors.Join(err, f.gateway.Stop())
	}
	if f.port != nil {
		f.port.close()
	}
	return err
}

// options are those of a server on the stores.
func (f *farStores) options() []string {
	args := []string{"--s3-bucket", farName, "--s3-endpoint", f.port.url, "--s3-force-path-style"}
	if f.moto != nil {
		args = append(args, "--dynamodb-table", farName, "--dynamodb-endpoint", f.moto.URL, "--dynamodb-create")
	}
	return args
}

func (f *farStores) bucket() *s3.Client {
	return s3.NewFromConfig(f.config, awsconfig.S3(f.port.url, true))
}

// socketPort passes connections on to a Unix socket, byte by byte.
type socketPort struct {
	url      string
	listener net.Listener
	running  sync.WaitGroup
}

func openPort(socket string) (*socketPort, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &socketPort{url: "http://" + l.Addr().String(), listener: l}
	p.running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			p.running.Go(func() { join(from, socket) })
		}
	})
	return p, nil
}

// join copies in both directions until one side ends.
func join(from net.Conn, socket string) {
	defer from.Close()
	to, err := new(net.Dialer).Dial("unix", socket)
	if err != nil {
		return
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // whoever speaks over it sees that it ended
			ended <- struct{}{}
		}()
	}
	<-ended
	_, _ = from.Close(), to.Close()
	<-ended
}

// close ends when all connections have; the server behind the socket must have ended.
func (p *socketPort) close() {
	_ = p.listener.Close()
	p.running.Wait()
}

// sweepTime is how long the first sweep of an empty table may take: it looks at every hour of months.
const sweepTime = 2 * time.Minute

// awaitSweep waits until a server's first sweep is over, which would be measured with what comes.
func awaitSweep(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		page, err := fetch(ctx, url+"/metrics")
		if err != nil {
			return fmt.Errorf("waiting for the first sweep: %w", err)
		}
		if strings.Contains(string(page), "\nregistry_sweeps_total{outcome=\"ok\"} 1\n") {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
