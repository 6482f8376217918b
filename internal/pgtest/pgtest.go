// Package pgtest gives tests a real PostgreSQL.
//
// [New] hands out the URL of a fresh, empty database. The cluster behind it is
// started once per test process, when the first test asks for it, in a
// temporary directory that nothing else uses, and it is gone when the process
// is gone, however that one ends. Durability stays as in production: fsync and
// synchronous_commit are on, so what a test sees committed is on disk.
//
// The cluster sorts text by language, not by byte, as most installations do,
// so that a query that silently relies on byte order fails here first.
//
// When the environment variable SLUICE_TEST_POSTGRES holds the URL of a server
// whose user may create databases, they are created there and no cluster is
// started, so that several packages can share one.
//
// [Pooler] puts a real PgBouncer before a database, which goes as the cluster does.
//
// The package is for tests alone: production code must never import it. It
// never skips, because a suite that quietly leaves out an engine proves nothing
// about it. It needs a Unix with PostgreSQL's own programs,
// and PgBouncer.
package pgtest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"
)

// ServerVariable names the environment variable with the URL of a server to
// use instead of starting a cluster.
const ServerVariable = "SLUICE_TEST_POSTGRES"

// adminTimeout bounds the creation or removal of one database. It is far above
// what either takes, and only turns a hang into a message.
const adminTimeout = time.Minute

// shared is the cluster of this process. It is started at most once; a failure
// is kept, so that each test reports it instead of trying for seconds again.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// New returns the URL of a new, empty database, which is dropped when the test
// ends, even if connections to it are still open. Calls may run in parallel.
func New(tb testing.TB) (dsn string) {
	tb.Helper()
	shared.once.Do(startShared)
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.cluster.New(tb)
}

// Run runs the tests of a package and stops the cluster that they used before
// it returns their exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
//
// Without it the cluster stops as well, but only after the process has ended.
func Run(m *testing.M) int {
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.close()
	}
	return code
}

// Start returns a cluster of the test's own, for tests that crash or restart
// the server. It is stopped and removed when the test ends.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := startCluster()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.close)
	return c
}

// New returns the URL of a new, empty database in this cluster, which is
// dropped when the test ends.
func (c *Cluster) New(tb testing.TB) (dsn string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	name, err := c.create(ctx)
	if err != nil {
		tb.Fatalf("pgtest: create a database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
		defer cancel()
		if err := c.drop(ctx, name); err != nil {
			tb.Errorf("pgtest: drop database %s: %v", name, err)
		}
	})
	return c.url(name)
}

func startShared() {
	if server := os.Getenv(ServerVariable); server != "" {
		shared.cluster, shared.err = useServer(server)
		return
	}
	shared.cluster, shared.err = startCluster()
}
