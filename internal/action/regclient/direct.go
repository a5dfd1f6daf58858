package regclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// directRetries are few: there is another way.
const directRetries = 2

// putDirect brings a blob to the store behind the registry, with no credentials of ours. done is false if it has to go
// through the registry: not every store can be reached from everywhere. One that failed is not tried for other blobs.
func (c *Client) putDirect(ctx context.Context, up wire.Upload, src *source) (done bool, err error) {
	if up.Direct == nil || up.Size == 0 || c.indirect.Load() {
		return false, nil
	}
	call, err := c.directCall(up, src)
	if err == nil {
		_, err = call.do(ctx)
	}
	if err == nil {
		return true, nil
	}
	if _, unreadable := errors.AsType[*sourceError](err); unreadable || ctx.Err() != nil {
		return false, err
	}
	if c.indirect.CompareAndSwap(false, true) {
		c.opt.Logger.WarnContext(ctx, "registry: the store behind it can't be reached from here, or refuses; uploading through the registry", "reason", err)
	}
	return false, nil
}

func (c *Client) directCall(up wire.Upload, src *source) (*call, error) {
	u, err := url.Parse(up.Direct.URL)
	if err != nil {
		return nil, errors.New("the registry gave the URL of a store that is none") // the error's text has all of it
	}
	if u.User != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || c.base.Scheme != "http") {
		return nil, fmt.Errorf("the registry gave the URL of a store at %s://%s: only https is trusted with packages", u.Scheme, u.Host)
	}
	l := &call{
		c: c, method: http.MethodPut, url: u, header: http.Header{"User-Agent": {c.opt.UserAgent}},
		body: src.reader(), size: up.Size, retries: min(c.opt.Retries, directRetries), direct: true,
	}
	for name, value := range up.Direct.Header {
		if name = textproto.CanonicalMIMEHeaderKey(name); !storeHeader(name) {
			return nil, fmt.Errorf("the registry gave the header %.100q for a store, which is not one that an upload has", name)
		}
		l.header.Set(name, value)
	}
	if up.Size >= expectFrom {
		l.header.Set("Expect", "100-continue")
	}
	return l, nil
}

// storeHeader reports whether a registry may have us send a header to another host.
func storeHeader(name string) bool {
	return name == "If-None-Match" || name == "Content-Type" || strings.HasPrefix(name, "X-Amz-")
}

// unreachable reports whether there was no connection.
func unreachable(err error) bool {
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}
