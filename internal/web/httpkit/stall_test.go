package httpkit

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a net.Listener of connections in memory, whose deadlines follow the test's clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// converse serves h to one client, which sends a text and has the connection then.
func converse(t *testing.T, h Handler, text string, then func(c net.Conn)) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	l := make(pipes)
	srv := &http.Server{Handler: Front{Log: log}.Handler(Kit{Log: log}.Handle(h))}
	go srv.Serve(l)
	client, server := net.Pipe()
	l <- server
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	then(client)
	client.Close()
	close(l)
	srv.Close()
	synctest.Wait()
}

func TestStalledBodies(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) error { return NotFound(r) }
	read := func(w http.ResponseWriter, r *http.Request) error {
		body, err := Body(w, r, 1<<20)
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		return err
	}
	half := func(w http.ResponseWriter, r *http.Request) error {
		body, err := Body(w, r, 1<<20)
		if err == nil {
			_, err = io.CopyN(io.Discard, body, 2)
		}
		if err == nil {
			time.Sleep(3 * stall) // its own work, which no deadline ends
			err = r.Context().Err()
		}
		if err == nil {
			err = NotFound(r)
		}
		return err
	}
	for _, tt := range []struct {
		name   string
		h      Handler
		status int
	}{{"nobody reads it", refuse, 404}, {"it is read", read, 400}, {"half of it is read", half, 404}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				converse(t, tt.h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabcd", func(c net.Conn) {
					r := bufio.NewReader(c)
					resp, err := http.ReadResponse(r, nil)
					if err != nil || resp.StatusCode != tt.status {
						t.Errorf("the answer is %v, %v, want %d", resp, err, tt.status)
					}
					if _, err := io.Copy(io.Discard, r); err != nil {
						t.Errorf("the connection ends with %v", err)
					}
				})
				if took := time.Since(begin); took > 4*stall {
					t.Errorf("the connection was held for %s", took)
				}
			})
		})
	}
}

// The deadline of a body's last read does not end the request while its handler works.
func TestLongWorkAfterTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func(w http.ResponseWriter, r *http.Request) error {
			body, _ := Body(w, r, 1<<20)
			if _, err := io.Copy(io.Discard, body); err != nil {
				return err
			}
			time.Sleep(10 * stall)
			if err := r.Context().Err(); err != nil {
				return err
			}
			return JSON(w, r, http.StatusCreated, "done")
		}
		converse(t, work, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", func(c net.Conn) {
			if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 201 {
				t.Errorf("the answer is %v, %v, want 201", resp, err)
			}
		})
	})
}

func TestClientsThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		big := func(w http.ResponseWriter, r *http.Request) error {
			return JSON(w, r, http.StatusOK, strings.Repeat("x", 1<<20))
		}
		converse(t, big, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(c net.Conn) {
			time.Sleep(time.Hour)
			if n, _ := io.Copy(io.Discard, c); n >= 1<<20 {
				t.Errorf("after an hour of silence the connection still gave %d bytes", n)
			}
		})
	})
}
