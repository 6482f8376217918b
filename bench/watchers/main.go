// Command watchers is the other side of the fan-out benchmark: it opens many
// watch streams, applies what they say, and reports when. It is a process of its
// own because both ends of ten thousand connections are more files than one
// process may open, and so that its memory is not the hub's. It only reads: it
// must never take part in what it measures.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// arrival says when one watcher had applied the release of one round.
type arrival struct {
	round int
	at    int64 // Unix nanoseconds
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: watchers ADDRESS COUNT"))
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(err)
	}
	arrivals := make(chan arrival, 2*count)
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // ends with the one that measures
		os.Exit(0)
	}()
	if err := connect(os.Args[1], count, arrivals); err != nil {
		fail(err)
	}
	fmt.Println("ready")
	for {
		report(count, arrivals)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "watchers:", err)
	os.Exit(1)
}

// report prints the round and the moments at which half and 99 of 100 watchers
// had applied it.
func report(count int, arrivals <-chan arrival) {
	times := make([]int64, count)
	round := 0
	for i := range times {
		a := <-arrivals
		if i > 0 && a.round != round {
			fail(fmt.Errorf("round %d began before round %d was over", a.round, round))
		}
		round, times[i] = a.round, a.at
	}
	slices.Sort(times)
	fmt.Println(round, times[count/2], times[count*99/100])
}

func connect(address string, count int, arrivals chan<- arrival) error {
	var ready sync.WaitGroup
	for range count {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
			return err
		}
		ready.Add(1)
		go func() {
			fail(watch(conn, ready.Done, arrivals))
		}()
	}
	ready.Wait()
	return nil
}

// watch does what a watching client does: it reads, decodes and applies, until
// the stream breaks.
func watch(conn net.Conn, ready func(), arrivals chan<- arrival) error {
	lines := bufio.NewReaderSize(conn, 2<<10)
	event, manifest := "", &sluice.Manifest{}
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		key, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if string(key) == "event" {
			event = string(value)
		}
		if string(key) != "data" {
			continue
		}
		switch event {
		case "snapshot":
			if err := json.Unmarshal(value, manifest); err != nil {
				return err
			}
			ready()
		case "release":
			var r sluice.Release
			if err := json.Unmarshal(value, &r); err != nil {
				return err
			}
			manifest = manifest.Apply(r)
			round, err := strconv.Atoi(r.Ticket)
			if err != nil {
				return err
			}
			arrivals <- arrival{round, time.Now().UnixNano()}
		}
	}
}
