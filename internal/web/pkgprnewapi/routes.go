package pkgprnewapi

import (
	"io"
	"net/http"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Handler returns the handler of the requests that Means is true of.
func (a *API) Handler() http.Handler {
	kit, mux := httpkit.Kit{Log: a.Log}, &httpkit.Mux{}
	mux.Handle("POST /check", kit.Handle(a.check))
	mux.Handle("POST /publish", kit.Write(readOut(a.publish)))
	mux.Handle("POST /multipart/create", kit.Write(a.begin))
	mux.Handle("PUT /multipart/upload", kit.Write(readOut(a.putPart)))
	mux.Handle("POST /multipart/complete", kit.Write(a.complete))
	mux.Handle("HEAD /~/{owner}/{repo}", kit.Handle(a.Readable(a.exists)))
	return mux
}

// maxUnread is how much of a refused body is read all the same, in bytes: the CLI sends to the end before it listens, and
// takes a connection that is cut before that for a broken one, whose refusal nobody sees.
const maxUnread = 32 << 20

func readOut(h httpkit.Handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err != nil {
			_, _ = io.CopyN(io.Discard, r.Body, maxUnread) // what comes of it does not matter
		}
		return err
	}
}
