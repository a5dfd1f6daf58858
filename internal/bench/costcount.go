package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// counts are what S3 and DynamoDB write on their bills.
type counts struct {
	mu             sync.Mutex
	puts, gets     int     // requests to S3 with the price of a PUT, and with that of a GET; a DELETE has none
	calls          int     // requests to DynamoDB
	reads, writes  float64 // units of DynamoDB
	polls          float64 // units of reads of the change feed, which every server makes all the time; not in reads and calls
	rows           int     // bytes of rows written
	received, sent int64   // bytes of objects
}

func (c *counts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts, c.gets, c.calls, c.reads, c.writes, c.polls, c.rows, c.received, c.sent = 0, 0, 0, 0, 0, 0, 0, 0, 0
}

// written is how many write units there were.
func (c *counts) written() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// asked is how many requests to DynamoDB there were.
func (c *counts) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// idle adds rows of what was asked by a server that nobody asked anything, for each of n minutes.
func (c *counts) idle(t *table, n float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.add("a minute of an idle server: DynamoDB read units", (c.reads+c.polls)/n, count)
	t.add("a minute of an idle server: DynamoDB write units", c.writes/n, count)
}

// describe adds rows, each number divided by n.
func (c *counts) describe(t *table, what string, n float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.add(what+": S3 PUT", float64(c.puts)/n, count)
	t.add(what+": S3 GET and HEAD", float64(c.gets)/n, count)
	t.add(what+": bytes to S3", float64(c.received)/n, bytesOf)
	t.add(what+": bytes from S3", float64(c.sent)/n, bytesOf)
	t.add(what+": DynamoDB requests", float64(c.calls)/n, count)
	t.add(what+": DynamoDB read units", c.reads/n, count)
	t.add(what+": DynamoDB write units", c.writes/n, count)
	t.add(what+": bytes of rows written", float64(c.rows)/n, bytesOf)
}

// s3 counts a request by its price class.
func (c *counts) s3(r *http.Request, body, answer []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := r.URL.Query().Has("list-type")
	switch {
	case r.Method == http.MethodDelete:
	case r.Method == http.MethodPut, r.Method == http.MethodPost, list:
		c.puts++
		c.received += int64(len(body))
	default:
		c.gets++
		c.sent += int64(len(answer))
	}
}

// attributes are those of an item, in DynamoDB's JSON.
type attributes map[string]map[string]any

// size is what DynamoDB counts of an item, which is about the bytes of its names and values.
func (a attributes) size() (n int) {
	for name, value := range a {
		n += len(name)
		for kind, v := range value {
			text, _ := v.(string)
			switch kind {
			case "B":
				n += base64.StdEncoding.DecodedLen(len(text))
			case "N":
				n += len(text)/2 + 1
			default:
				n += len(text)
			}
		}
	}
	return n
}

// units is how many units of a size some bytes are, one at least.
func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// feedPartition is how a request begins the name of a partition of package feed.
const feedPartition = `{"S":"feed/`

// dynamo counts the units of a request; conditions that were not met cost what they would have.
func (c *counts) dynamo(r *http.Request, body, answer []byte) {
	var in struct {
		Item          attributes
		TransactItems []map[string]struct{ Item attributes }
	}
	var out struct {
		Item  attributes
		Items []attributes
	}
	_ = json.Unmarshal(body, &in)    // what is not JSON counts as the smallest request
	_ = json.Unmarshal(answer, &out) // the same
	c.mu.Lock()
	defer c.mu.Unlock()
	name := operation(r)
	isPoll := name == "Query" && bytes.Contains(body, []byte(feedPartition))
	if !isPoll {
		c.calls++
	}
	switch name {
	case "GetItem":
		c.reads += units(out.Item.size(), readUnit)
	case "Query":
		n := 0
		for _, item := range out.Items {
			n += item.size()
		}
		if isPoll {
			c.polls += units(n, readUnit)
		} else {
			c.reads += units(n, readUnit)
		}
	case "PutItem":
		c.writes += units(in.Item.size(), writeUnit)
		c.rows += in.Item.size()
	case "UpdateItem", "DeleteItem":
		c.writes++
	case "TransactWriteItems":
		for _, op := range in.TransactItems {
			for _, o := range op {
				c.writes += 2 * units(o.Item.size(), writeUnit)
				c.rows += o.Item.size()
			}
		}
	}
}

// counter passes requests on and shows them, with their answers, to whoever counts.
type counter struct {
	url    string
	server *httptest.Server
}

func newCounter(target string, seen func(r *http.Request, body, answer []byte)) (*counter, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host // it is signed
		},
		Transport:    &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		copied := &copying{ResponseWriter: w}
		pass.ServeHTTP(copied, r)
		seen(r, body, copied.body.Bytes())
	}))
	return &counter{s.URL, s}, nil
}

func (c *counter) close() {
	c.server.CloseClientConnections()
	c.server.Close()
}

// copying keeps an answer that it passes on. The answers of the measurement are small.
type copying struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copying) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}
