package pgtest

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// keeper is the shell script that owns a cluster's life. A Go program cannot
// run anything after its own death; the script can, because its standard input
// ends when the test process does, even when that one was killed.
//
//go:embed keeper.sh
var keeper string

// Cluster is one PostgreSQL server on a Unix socket in a temporary directory,
// or a server of somebody else's named by [ServerVariable].
type Cluster struct {
	server url.URL // address of any database of this server, without its name
	dir    string  // empty for a server that was not started here

	mu      sync.Mutex // one order to the keeper at a time
	process *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	closed  bool
}

// Crash stops the server as a power cut would: no checkpoint, and every
// connection is cut. What was committed must be there after [Cluster.Restart].
func (c *Cluster) Crash() error { return c.order("crash") }

// Restart starts the server again after [Cluster.Crash] and returns when it
// accepts connections, at the same URLs as before.
func (c *Cluster) Restart() error { return c.order("start") }

// url returns the URL of the database with the given name.
func (c *Cluster) url(database string) string {
	u := c.server
	u.Path = "/" + database
	return u.String()
}

func startCluster() (*Cluster, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sluice-pgtest-")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	c := &Cluster{dir: dir, server: socketURL(dir)}
	if err := c.launch(bin, owner); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.order("start"); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// launch starts the keeper. It is in a process group of its own, so that an
// interrupt typed at the terminal ends the tests and not their clean-up.
func (c *Cluster) launch(bin string, owner *syscall.Credential) error {
	if owner != nil {
		if err := os.Chown(c.dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("pgtest: hand the directory to PostgreSQL's user: %w", err)
		}
	}
	c.process = exec.Command("/bin/sh", "-c", keeper, "pgtest-keeper", bin, c.dir)
	c.process.Dir = c.dir
	c.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	orders, err := c.process.StdinPipe()
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	answers, err := c.process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	c.orders, c.answers = orders, bufio.NewReader(answers)
	if err := c.process.Start(); err != nil {
		return fmt.Errorf("pgtest: start the keeper of the cluster: %w", err)
	}
	return nil
}

// order sends one word to the keeper and waits for its answer.
func (c *Cluster) order(word string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return fmt.Errorf("pgtest: %s: the server of %s is not ours to stop or start", word, ServerVariable)
	}
	if _, err := io.WriteString(c.orders, word+"\n"); err != nil {
		return fmt.Errorf("pgtest: %s: %w", word, err)
	}
	answer, err := c.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("pgtest: %s: the keeper of the cluster ended: %w", word, err)
	}
	if answer = strings.TrimSpace(answer); answer != "done" {
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("pgtest: %s: PostgreSQL said:\n%s", word, log)
	}
	return nil
}

// close stops the server, removes its directory and waits for both. Further
// calls do nothing.
func (c *Cluster) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil || c.closed {
		return
	}
	c.closed = true
	_ = c.orders.Close()
	_ = c.process.Wait() // its status is that of removing the directory, which nobody needs any more
}

func socketURL(dir string) url.URL {
	return url.URL{
		Scheme:   "postgres",
		User:     url.User("sluice"),
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode(),
	}
}

func useServer(server string) (*Cluster, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("pgtest: %s must be a URL such as postgres://user@host:5432/postgres", ServerVariable)
	}
	return &Cluster{server: *u}, nil
}
