package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const (
	serveRounds  = 3
	serveSeconds = 3
	abbreviated  = "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"
	benched      = "@acme/widget" // the package with 100 versions, each of 100 KB
)

// serving is the servers of the measurement, side by side.
type serving struct {
	b           *bench
	ours, token string
	peers       map[string]*peer
	theirToken  string
}

// measureServe compares what readers get from us with verdaccio, nginx and the
// bare minimum, on the same bytes.
func measureServe(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "reading, 16 connections"
	srv, err := b.startServer(ctx, filepath.Join(dir, "data"), "--claimed-scopes", "@acme")
	if err != nil {
		return t, err
	}
	defer func() { _ = srv.stop() }()
	s := &serving{b: b, ours: srv.url, peers: map[string]*peer{}}
	defer s.stop()
	if err := s.prepare(ctx, dir); err != nil {
		return t, err
	}
	for _, step := range []func(context.Context, *table) error{s.packuments, s.compressed, s.withToken, s.tarballs} {
		if err := step(ctx, &t); err != nil {
			return t, err
		}
	}
	t.note("each number is the median of %d rounds of %d s by wrk with one thread, the servers taking turns; verdaccio %s with bcrypt, without log", serveRounds, serveSeconds, "6.10.4")
	return t, nil
}

func (s *serving) stop() {
	for _, p := range s.peers {
		p.stop()
	}
}

// prepare fills the registries with the same versions, and a folder with the same files.
func (s *serving) prepare(ctx context.Context, dir string) error {
	var err error
	for _, sub := range []string{"verdaccio", "nginx", "files"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if s.peers["verdaccio"], err = startVerdaccio(ctx, filepath.Join(dir, "verdaccio")); err != nil {
		delete(s.peers, "verdaccio")
		return err
	}
	if s.theirToken, err = signUp(ctx, s.peers["verdaccio"].url); err != nil {
		return err
	}
	if s.token, err = signUp(ctx, s.ours); err != nil {
		return err
	}
	for i := range 100 {
		version := fmt.Sprintf("1.%d.0", i)
		if err := npmPublish(ctx, s.ours, s.token, benched, version, 100_000); err != nil {
			return err
		}
		if err := npmPublish(ctx, s.peers["verdaccio"].url, s.theirToken, benched, version, 100_000); err != nil {
			return err
		}
	}
	files := filepath.Join(dir, "files")
	for name, path := range map[string]string{"packument": "/@acme%2fwidget", "tarball": "/@acme/widget/-/widget-1.99.0.tgz"} {
		content, err := fetch(ctx, s.ours+path, abbreviated)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(files, name), content, 0o644); err != nil {
			return err
		}
	}
	for name, start := range map[string]func(context.Context, string, string) (*peer, error){"nginx": startNginx, "bare": startBare} {
		if s.peers[name], err = start(ctx, filepath.Join(dir, "nginx"), files); err != nil {
			delete(s.peers, name)
			return err
		}
	}
	return nil
}

// rates puts load on each URL in turn and returns the median rate of each.
func (s *serving) rates(ctx context.Context, t *table, what string, urls []string, headers [][]string) ([]float64, error) {
	all := make([][]float64, len(urls))
	for range serveRounds {
		for i, url := range urls {
			l, err := wrk(ctx, serveSeconds, url, headers[i]...)
			if err != nil {
				return nil, err
			}
			if l.failed {
				t.note("%s: some requests to %s failed", what, url)
			}
			all[i] = append(all[i], l.perSecond)
		}
	}
	rates := make([]float64, len(urls))
	for i := range all {
		rates[i] = median(all[i])
	}
	return rates, nil
}

func (s *serving) packuments(ctx context.Context, t *table) error {
	h := []string{abbreviated}
	r, err := s.rates(ctx, t, "packument", []string{
		s.ours + "/@acme%2fwidget", s.peers["bare"].url + "/memory/packument", s.peers["verdaccio"].url + "/@acme%2fwidget", s.peers["nginx"].url + "/packument",
	}, [][]string{h, nil, h, nil})
	if err != nil {
		return err
	}
	t.add("abbreviated packument of 100 versions, a second", r[0], count)
	t.aim("… of verdaccio's", r[0]/r[2], ratio, atLeast, 100)
	t.aim("… of a bare net/http handler's", r[0]/r[1], ratio, atLeast, 0.9)
	t.add("… of nginx's", r[0]/r[3], ratio)
	return nil
}

// compressed asks as npm, pnpm, yarn and bun do.
func (s *serving) compressed(ctx context.Context, t *table) error {
	h := []string{abbreviated, "Accept-Encoding: gzip"}
	r, err := s.rates(ctx, t, "compressed packument", []string{s.ours + "/@acme%2fwidget", s.peers["verdaccio"].url + "/@acme%2fwidget"}, [][]string{h, h})
	if err != nil {
		return err
	}
	t.add("the same with gzip, as clients ask for it, a second", r[0], count)
	t.aim("… of verdaccio's", r[0]/r[1], ratio, atLeast, 100)
	return nil
}

func (s *serving) withToken(ctx context.Context, t *table) error {
	r, err := s.rates(ctx, t, "packument with a token", []string{s.ours + "/@acme%2fwidget", s.peers["bare"].url + "/memory/packument", s.peers["verdaccio"].url + "/@acme%2fwidget"},
		[][]string{{abbreviated, "Authorization: Bearer " + s.token}, nil, {abbreviated, "Authorization: Bearer " + s.theirToken}})
	if err != nil {
		return err
	}
	t.add("the same with a token, a second", r[0], count)
	t.aim("… of verdaccio's", r[0]/r[2], ratio, atLeast, 100)
	t.aim("… of a bare net/http handler's", r[0]/r[1], ratio, atLeast, 0.9)
	return nil
}

func (s *serving) tarballs(ctx context.Context, t *table) error {
	const path = "/@acme/widget/-/widget-1.99.0.tgz"
	r, err := s.rates(ctx, t, "tarball", []string{s.ours + path, s.peers["bare"].url + "/file/tarball", s.peers["verdaccio"].url + path, s.peers["nginx"].url + "/tarball"}, make([][]string, 4))
	if err != nil {
		return err
	}
	t.add("tarball of 100 KB, a second", r[0], count)
	t.aim("… of verdaccio's", r[0]/r[2], ratio, atLeast, 12)
	t.aim("… of a bare net/http handler's that opens and copies the file", r[0]/r[1], ratio, atLeast, 0.9)
	t.add("… of nginx's", r[0]/r[3], ratio)
	return nil
}
