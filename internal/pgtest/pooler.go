package pgtest

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// poolerKeeper ends PgBouncer with the test process, as the keeper of a cluster does.
//
//go:embed pooler.sh
var poolerKeeper string

// PoolSize is how many connections to PostgreSQL a pooler of these tests has. There
// are fewer than what a program opens, so that they are really shared.
const PoolSize = 4

// Pooler starts a real PgBouncer before the database of a URL, in the pool mode
// "session", "transaction" or "statement", and returns the URL that leads through
// it. It is stopped when the test ends.
func Pooler(tb testing.TB, dsn, mode string) (pooled string) {
	tb.Helper()
	u, err := startPooler(tb, dsn, mode)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func startPooler(tb testing.TB, dsn, mode string) (string, error) {
	program, err := findPooler()
	if err != nil {
		return "", err
	}
	to, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	owner, err := unprivileged()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "sluice-pooler-")
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	if err := configurePooler(dir, to, mode, owner); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	if err := keepPooler(tb, program, dir, owner); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return "", errors.Join(fmt.Errorf("%w\n%s", err, log), os.RemoveAll(dir))
	}
	u := url.URL{
		Scheme: "postgres", User: url.User(to.User), Path: "/" + to.Database,
		RawQuery: url.Values{"host": {dir}, "port": {"6432"}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String(), nil
}

func configurePooler(dir string, to *pgconn.Config, mode string, owner *syscall.Credential) error {
	password := ""
	if to.Password != "" {
		password = " password=" + to.Password
	}
	settings := strings.Join([]string{
		"[databases]",
		fmt.Sprintf("%s = host=%s port=%d user=%s%s", to.Database, to.Host, to.Port, to.User, password),
		"[pgbouncer]",
		"unix_socket_dir = " + dir,
		"listen_port = 6432",
		"auth_type = any",
		"pool_mode = " + mode,
		fmt.Sprintf("default_pool_size = %d", PoolSize),
		"ignore_startup_parameters = search_path", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(settings), 0o644); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if owner == nil {
		return nil
	}
	return os.Chown(dir, int(owner.Uid), int(owner.Gid))
}

func keepPooler(tb testing.TB, program, dir string, owner *syscall.Credential) error {
	keeper := exec.Command("/bin/sh", "-c", poolerKeeper, "pgtest-pooler", program, dir)
	keeper.Dir = dir
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	orders, err := keeper.StdinPipe()
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	answers, err := keeper.StdoutPipe()
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if err := keeper.Start(); err != nil {
		return fmt.Errorf("pgtest: start the keeper of the pooler: %w", err)
	}
	if line, err := bufio.NewReader(answers).ReadString('\n'); err != nil || line != "started\n" {
		return errors.Join(fmt.Errorf("pgtest: PgBouncer did not start: %q", line), err, keeper.Wait())
	}
	tb.Cleanup(func() {
		_ = orders.Close()
		_ = keeper.Wait() // its status is that of removing the directory
	})
	return nil
}

// findPooler returns PgBouncer, which Debian keeps off most users' search path.
func findPooler() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("pgtest: no PgBouncer on this machine: run `make test` or scripts/setup-tests.sh, which install it")
}
