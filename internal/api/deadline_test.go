package api

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnswersHaveDeadlines has a client read an answer of 1 MiB slowly, or not at
// all, over a connection without a buffer.
func TestAnswersHaveDeadlines(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("x"), 1<<20)
	h := New(Config{Adapters: []Adapter{adapted(whole)}, Metrics: NewMetrics()})
	for _, test := range []struct {
		name  string
		pause time.Duration // after each piece
		whole bool
	}{
		{"who reads slowly gets all", 29 * time.Second, true},
		{"who stops is cut off", 31 * time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				server := &http.Server{Handler: h}
				go func() { _ = server.Serve(&single{conn: far, closed: make(chan struct{})}) }() // ends with the server
				if _, err := io.WriteString(near, "GET /adapted HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				got, b := 0, make([]byte, piece)
				for {
					n, err := io.ReadFull(near, b)
					got += n
					if err != nil {
						break
					}
					time.Sleep(test.pause)
				}
				if (got >= len(whole)) != test.whole {
					t.Errorf("got %d bytes of %d", got, len(whole))
				}
				_ = near.Close()
				_ = server.Close()
			})
		})
	}
}

// adapted answers everything with the same bytes, without a token.
type adapted []byte

func (a adapted) Route(*http.Request) Route { return Route{Pattern: "GET /adapted", Public: true} }

func (a adapted) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(a) }

func (a adapted) Refuse(w http.ResponseWriter, _ *http.Request, err error) { fail(w, err) }

// single is a listener of one connection.
type single struct {
	conn   net.Conn
	closed chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	if conn := s.conn; conn != nil {
		s.conn = nil
		return conn, nil
	}
	<-s.closed
	return nil, net.ErrClosed
}

func (s *single) Close() error {
	close(s.closed)
	return nil
}

func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// TestShapeOfBodies refuses JSON that is more than a request needs before anything
// is made of it, also when it is read into its type.
func TestShapeOfBodies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`[1,2,3]`:                     true,
		`[{},{},{},{}]`:               false,
		`["[[[,,,\",,,","{"]`:         true,
		`{"a":{"b":[{"c":1}]},"d":0}`: true,
		string(bytes.Repeat([]byte("["), maxNesting+1)): false,
	} {
		var typed struct{}
		var parsed any
		for _, into := range []any{&typed, &parsed} {
			err := decode([]byte(body), into, 6)
			bounded := err != nil && bytes.Contains([]byte(err.Error()), []byte(" <= "))
			if bounded == want {
				t.Errorf("%.40s into %T: got %v, want it read: %v", body, into, err, want)
			}
		}
	}
}
