package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The bill has what Amazon's price lists say of a request.
func TestCountsUnits(t *testing.T) {
	item := func(kib int) string {
		return `{"PK": {"S": "a"}, "v": {"B": "` + strings.Repeat("AAAA", kib*1024/3) + `"}}`
	}
	for _, tt := range []struct {
		operation, in, out string
		reads, writes      float64
	}{
		{"GetItem", `{}`, `{}`, 1, 0},
		{"GetItem", `{}`, `{"Item": ` + item(5) + `}`, 2, 0},
		{"Query", `{}`, `{"Items": [` + item(3) + `,` + item(3) + `]}`, 2, 0},
		{"PutItem", `{"Item": ` + item(0) + `}`, `{}`, 0, 1},
		{"PutItem", `{"Item": ` + item(3) + `}`, `{}`, 0, 4}, // and its names
		{"UpdateItem", `{}`, `{}`, 0, 1},
		{"DeleteItem", `{}`, `{}`, 0, 1},
		{"TransactWriteItems", `{"TransactItems": [{"Put": {"Item": ` + item(0) + `}}, {"Delete": {}}, {"ConditionCheck": {}}]}`, `not JSON`, 0, 6},
		{"DescribeTable", `{}`, `{}`, 0, 0},
	} {
		c := &counts{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+tt.operation)
		c.dynamo(r, []byte(tt.in), []byte(tt.out))
		if c.reads != tt.reads || c.writes != tt.writes || c.calls != 1 {
			t.Errorf("%s of %.60s: %v reads, %v writes, want %v, %v", tt.operation, tt.in, c.reads, c.writes, tt.reads, tt.writes)
		}
	}
}

// What every server asks all the time is no part of what a request costs.
func TestCountsPolls(t *testing.T) {
	c := &counts{}
	for _, partition := range []string{"feed/2026-01-01T10", "npm/feed"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.Query")
		c.dynamo(r, []byte(`{"ExpressionAttributeValues":{":partition":{"S":"`+partition+`"}}}`), []byte(`{"Items": []}`))
	}
	if c.polls != 1 || c.reads != 1 || c.calls != 1 {
		t.Errorf("%v polls, %v reads, %d calls, want one of each", c.polls, c.reads, c.calls)
	}
}

func TestCountsS3(t *testing.T) {
	c := &counts{}
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodGet, http.MethodHead, http.MethodDelete} {
		c.s3(httptest.NewRequestWithContext(t.Context(), method, "/b/k", nil), []byte("12345"), []byte("123"))
	}
	c.s3(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/b?list-type=2", nil), nil, nil)
	if c.puts != 3 || c.gets != 2 || c.received != 10 || c.sent != 6 {
		t.Errorf("%d puts, %d gets, %d bytes in, %d out", c.puts, c.gets, c.received, c.sent)
	}
}
