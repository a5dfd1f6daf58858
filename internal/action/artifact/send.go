package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/org/registry-action/internal/fault"
)

const (
	tries     = 5
	firstWait = time.Second
	maxAnswer = 64 << 10 // bytes
)

type request struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

// send repeats what another try may change: lost connections, and statuses that pass.
func (s *Service) send(ctx context.Context, r request) (answer []byte, err error) {
	for try := range tries {
		if try > 0 {
			if err := s.opt.Wait(ctx, firstWait<<(try-1)); err != nil {
				return nil, err
			}
		}
		var again bool
		if answer, again, err = s.try(ctx, r); err == nil || !again || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

func (s *Service) try(ctx context.Context, r request) (answer []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, false, errors.New("the service's URL can't be asked") // the error's text has all of it
	}
	req.Header = r.header.Clone()
	req.Header.Set("User-Agent", s.opt.UserAgent)
	resp, err := s.opt.HTTPClient.Do(req)
	if err != nil {
		return nil, true, fmt.Errorf("%s %s: %w", r.method, r.where(), withoutURL(err))
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(answer) > maxAnswer {
		return nil, err != nil, fmt.Errorf("%s %s: the answer can't be read, or is too long: %w", r.method, r.where(), err)
	}
	if resp.StatusCode/100 == 2 {
		return answer, false, nil
	}
	text := fmt.Sprintf("%s %s: %d %s%s", r.method, r.where(), resp.StatusCode, http.StatusText(resp.StatusCode), reason(answer))
	if resp.StatusCode == http.StatusConflict {
		return nil, false, fault.New(fault.Exists, "%s", text)
	}
	return nil, resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500, errors.New(text)
}

// where is the URL without its query, which is secret.
func (r request) where() string {
	return (&url.URL{Scheme: r.url.Scheme, Host: r.url.Host, Path: r.url.Path}).String()
}

// withoutURL strips net/http's wrapper, whose text has the whole URL.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// reason is what a Twirp error says, on one line.
func reason(body []byte) string {
	var e struct {
		Message string `json:"msg"`
	}
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return ""
	}
	return ": " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, e.Message[:min(len(e.Message), 500)])
}
