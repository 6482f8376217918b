package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the "sqlite" driver
)

// statement changes an SQLite file behind Sluice's back: sql FILE STATEMENT.
func statement() {
	db, err := sql.Open("sqlite", "file:"+os.Args[1]+"?_pragma=busy_timeout(10000)")
	if err == nil {
		_, err = db.Exec(os.Args[2])
	}
	exitOn(err)
}

// proxy prints its address and stands between a client and a server, as some
// middlemen do: buffering URL holds each answer back until it has all of it,
// deaf URL hides PostgreSQL's notifications, as poolers do.
func proxy() {
	target, err := url.Parse(os.Args[2])
	exitOn(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	exitOn(err)
	if os.Args[1] == "deaf" {
		options := target.Query() // where a URL of PostgreSQL names a socket
		socket := filepath.Join(options.Get("host"), ".s.PGSQL.5432")
		options.Del("host")
		target.Host, target.RawQuery = l.Addr().String(), options.Encode()
		fmt.Println(target)
		exitOn(relay(l, socket))
	}
	fmt.Println("http://" + l.Addr().String())
	exitOn(http.Serve(l, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			all, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(all))
			return err
		},
	}))
}

// hangup prints its address, reads one request of each connection and closes it
// without an answer.
func hangup() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	exitOn(err)
	fmt.Println("http://" + l.Addr().String())
	for {
		conn, err := l.Accept()
		exitOn(err)
		if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		conn.Close()
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func relay(l net.Listener, socket string) error {
	for {
		client, err := l.Accept()
		if err != nil {
			return err
		}
		server, err := net.Dial("unix", socket)
		if err != nil {
			return err
		}
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		go func() { _ = withoutNotifications(client, server); client.Close() }()
	}
}

// withoutNotifications copies a server's messages but those of type A. The first
// byte may be the answer to a question about TLS, which is a letter alone.
func withoutNotifications(client io.Writer, server io.Reader) error {
	head := make([]byte, 5)
	for first := true; ; first = false {
		if _, err := io.ReadFull(server, head[:1]); err != nil {
			return err
		}
		if first && (head[0] == 'N' || head[0] == 'S') {
			if _, err := client.Write(head[:1]); err != nil {
				return err
			}
			continue
		}
		if _, err := io.ReadFull(server, head[1:]); err != nil {
			return err
		}
		rest := io.LimitReader(server, int64(binary.BigEndian.Uint32(head[1:]))-4)
		if head[0] == 'A' {
			if _, err := io.Copy(io.Discard, rest); err != nil {
				return err
			}
			continue
		}
		if _, err := client.Write(head); err != nil {
			return err
		}
		if _, err := io.Copy(client, rest); err != nil {
			return err
		}
	}
}
