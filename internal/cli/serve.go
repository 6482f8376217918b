package cli

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/spf13/cobra"
)

func serveCommand(e *env) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [--listen ADDRESS] [--postgres URL]",
		Short: "Run a server over the data directory, or over PostgreSQL",
		Long: "Serves the API until it is interrupted. At the very first start it prints an administrator's token,\n" +
			"once. On this machine the command line finds a running server by itself.",
		Example: "  sluice serve\n" +
			"  sluice serve --git https://github.com/acme/prompts.git\n" +
			"  sluice serve --listen :7117 --postgres postgres://sluice@db/sluice\n" +
			"  sluice serve --listen :7117 --host sluice.example.com --tls-cert cert.pem --tls-key key.pem",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.serve(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.flags.Listen, "listen", "", "`ADDRESS` to listen on (SLUICE_LISTEN) (default 127.0.0.1:7117)")
	f.StringVar(&e.flags.Postgres, "postgres", "", "`URL` of a PostgreSQL database (SLUICE_POSTGRES), for more than one server")
	f.StringVar(&e.flags.PostgresListen, "postgres-listen", "", "`URL` past a pooler, for LISTEN (SLUICE_POSTGRES_LISTEN)")
	f.StringVar(&e.flags.TLSCert, "tls-cert", "", "PEM `FILE` with a certificate for the address (SLUICE_TLS_CERT)")
	f.StringVar(&e.flags.TLSKey, "tls-key", "", "PEM `FILE` with its key (SLUICE_TLS_KEY)")
	f.StringVar(&e.flags.MasterKeyFile, "master-key-file", "", "`FILE` with the master key (SLUICE_MASTER_KEY_FILE)")
	f.StringVar(&e.flags.MasterKeyCommand, "master-key-command", "", "`COMMAND` that prints the master key (SLUICE_MASTER_KEY_COMMAND)")
	f.StringSliceVar(&o.hosts, "host", nil, "a host `NAME` that requests may be addressed to; may be repeated")
	f.StringSliceVar(&o.outbound, "allow-outbound", nil, "a `HOST`, *.DOMAIN or network that runs may reach, and no other; repeatable")
	f.IntVar(&o.runs.Concurrency, "run-concurrency", 0, "how many `RUNS` go on at once (default 64)")
	f.IntVar(&o.runs.Queue, "run-queue", 0, "how many `RUNS` may wait or go on (default 10,000)")
	f.StringVar(&e.flags.RunBytes, "run-bytes", "", "how many `BYTES` one run may collect (SLUICE_RUN_BYTES) (default 64MiB)")
	f.StringVar(&e.flags.RunMemory, "run-memory", "", "memory for the values of all runs, in `BYTES` (SLUICE_RUN_MEMORY) (default 96MiB)")
	o.git.flags(cmd)
	return cmd
}

// serveOptions are what only a server is told.
type serveOptions struct {
	hosts    []string
	outbound []string
	runs     sluice.RunBounds
	git      serveGitOptions
}

// runSizes reads how large runs may be.
func runSizes(s config.Settings, to *sluice.RunBounds) error {
	for _, size := range []struct {
		text, name string
		to         *int64
	}{{s.RunBytes, "run-bytes", &to.Bytes}, {s.RunMemory, "run-memory", &to.Memory}} {
		if size.text == "" {
			continue
		}
		digits, unit := strings.TrimRight(size.text, "KMGiB"), int64(1)
		switch size.text[len(digits):] {
		case "", "B":
		case "KiB":
			unit = 1 << 10
		case "MiB":
			unit = 1 << 20
		case "GiB":
			unit = 1 << 30
		default:
			unit = 0
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || unit == 0 || n > math.MaxInt64/4/unit {
			return sluice.Errorf(sluice.Invalid, "%s is %q, which is no size", size.name, plain(size.text)).Fix("write it in bytes, or as 96MiB")
		}
		*size.to = n * unit
	}
	return nil
}

func (e *env) serve(cmd *cobra.Command, o serveOptions) error {
	if o.runs.Concurrency < 0 || o.runs.Queue < 0 {
		return misuse(cmd, "serve: bounds on runs are numbers from 1 on").fix("correct --run-concurrency and --run-queue")
	}
	git, err := e.gitConfig(cmd, o.git)
	if err != nil {
		return err
	}
	s, err := e.load()
	if err != nil {
		return err
	}
	if err := runSizes(s, &o.runs); err != nil {
		return err
	}
	dir, err := e.dataDir()
	if err != nil {
		return err
	}
	if _, err := makeDataDir(dir); err != nil {
		return err
	}
	ctx := cmd.Context()
	srv, err := server.Open(ctx, server.Config{
		Data: dir, Postgres: s.Postgres, PostgresListen: s.PostgresListen, Listen: s.Listen, Hosts: o.hosts, Version: e.Version, Log: e.log(slog.LevelInfo),
		TLSCert: e.optionalPath(s.TLSCert), TLSKey: e.optionalPath(s.TLSKey),
		MasterKey: s.MasterKey, MasterKeyFile: e.optionalPath(s.MasterKeyFile), MasterKeyCommand: s.MasterKeyCommand,
		AllowOutbound: o.outbound, Runs: o.runs, Git: git,
	})
	if err != nil {
		return err
	}
	e.closers = append(e.closers, srv.Close)
	fmt.Fprintf(e.Stdout, "listening on %s\n", srv.URL())
	if token := srv.FirstToken(); token != "" {
		fmt.Fprintf(e.Stdout, "token: %s\n", token)
		e.note("this is the administrator's token; it is not shown again")
	}
	if err := srv.Serve(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
