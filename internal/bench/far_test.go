package main

import (
	"bytes"
	"compress/flate"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
)

// What is sent to the port arrives at the socket, whole, and the answer comes back.
func TestSocketPort(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		got := make([]byte, 5)
		_, _ = io.ReadFull(conn, got)
		_, _ = conn.Write(bytes.ToUpper(got))
		_ = conn.Close()
	}()
	p, err := openPort(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "HELLO" {
		t.Errorf("the answer is %q, %v", answer, err)
	}
}

// A copied package has all rows of the first one under its own name, each version with bytes of its own.
func TestCopiedRows(t *testing.T) {
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	of := func(partition, sort, value string) kv.Row {
		return kv.Row{Key: kv.Key{Partition: partition, Sort: sort}, Value: []byte(value)}
	}
	first := firstRows{
		versions: []kv.Row{of("package/"+scaledName(0), "version/1.0.0", "of "+scaledName(0)), of("package/"+scaledName(0), "version/1.1.0", "")},
		others:   []kv.Row{of("names", scaledName(0), "named "+scaledName(0))},
		held:     of("blob/packages/x", "hold", "{}"),
	}
	if err := first.copyTo(t.Context(), db, scaledName(7)); err != nil {
		t.Fatal(err)
	}
	held := 0
	rows := map[string]string{}
	for row, err := range db.Walk(t.Context(), kv.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(row.Partition, "blob/packages/") {
			held++
			continue
		}
		rows[row.Key.String()] = string(row.Value)
	}
	version, err := io.ReadAll(flate.NewReader(strings.NewReader(rows["package/"+scaledName(7)+" / version/1.0.0"])))
	if err != nil || string(version) != "of "+scaledName(7) || rows["names / "+scaledName(7)] != "named "+scaledName(7) || held != 2 || len(rows) != 3 {
		t.Errorf("a version is %q, %v; %d bytes are held; the rows are %q", version, err, held, rows)
	}
}
