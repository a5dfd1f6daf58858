// Command bare is the fastest server that net/http allows: for each file of a
// folder, /memory/{file} writes its bytes from memory and /file/{file} opens and
// copies it. /npm/{name} answers a file as an npm registry without validators would.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		info, err := f.Info()
		if err != nil {
			return err
		}
		read := sync.OnceValues(func() ([]byte, error) { return os.ReadFile(path) })
		fromMemory := func(w http.ResponseWriter, _ *http.Request) {
			content, err := read()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = w.Write(content)
		}
		mux.HandleFunc("/memory/"+f.Name(), fromMemory)
		mux.HandleFunc("/npm/"+f.Name(), fromMemory)
		mux.HandleFunc("/file/"+f.Name(), func(w http.ResponseWriter, _ *http.Request) {
			file, err := os.Open(path)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer file.Close()
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
			_, _ = io.Copy(w, file)
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listens on %s\n", l.Addr())
	return http.Serve(l, mux)
}
