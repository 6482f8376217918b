package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/spf13/cobra"
)

func backupCommand(e *env) *cobra.Command {
	return group(e, "backup", "Save, check and bring back an installation",
		"A backup is one file with the whole ledger and all content. It can be made while a server runs.",
		backupCreateCommand(e), backupRestoreCommand(e), backupVerifyCommand(e))
}

func backupCreateCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "create FILE",
		Short: "Save everything to a file",
		Long:  "The file appears only when it is whole. A file that exists is never overwritten. - is standard output.",
		Example: "  sluice backup create sluice-$(date +%F).backup\n" +
			"  sluice backup create - | gzip > sluice.backup.gz",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			if args[0] == "-" {
				if err := c.Backup(cmd.Context(), e.Stdout); err != nil {
					return err
				}
				return nil
			}
			size, err := writeNew(e.path(args[0]), func(w io.Writer) error { return c.Backup(cmd.Context(), w) })
			if err != nil {
				return err
			}
			return e.show(map[string]any{"file": args[0], "bytes": size}, func(w io.Writer) {
				fmt.Fprintf(w, "saved %s (%d bytes)\n", args[0], size)
			})
		},
	}
}

// writeNew writes a file that does not exist yet; it takes its name only when
// it is whole and on disk.
func writeNew(path string, write func(io.Writer) error) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, sluice.Errorf(sluice.Conflict, "%s exists already", path).Fix("choose another name, or move it away")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sluice-backup-*")
	if err != nil {
		return 0, unwritable(filepath.Dir(path), err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err := errors.Join(write(f), f.Sync()); err != nil {
		f.Close()
		return 0, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, unwritable(path, err)
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, it fails when the name was taken meanwhile
		if errors.Is(err, fs.ErrExist) {
			return 0, sluice.Errorf(sluice.Conflict, "%s exists already", path).Fix("choose another name, or move it away")
		}
		if err := os.Rename(f.Name(), path); err != nil {
			return 0, unwritable(path, err)
		}
	}
	return info.Size(), nil
}

func backupRestoreCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring an installation back from a backup",
		Long: "Restores into the data directory, or into the PostgreSQL database that is set, when there is nothing yet.\n" +
			"The server must not be running. The restored ledger has a new id, so that watching clients start anew.",
		Example: "  sluice backup restore sluice-2024-11-12.backup --data ./restored -y",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := e.load()
			if err != nil {
				return err
			}
			if s.Server != "" {
				return misuse(cmd, "backup restore: a backup is restored on the machine that holds the data, not through %s", s.Server).
					fix("run it there, without --server and SLUICE_SERVER")
			}
			dir, err := e.dataDir()
			if err != nil {
				return err
			}
			if err := e.confirm(cmd.Context(), fmt.Sprintf("restoring %s into %s", args[0], dir)); err != nil {
				return err
			}
			cfg := server.Config{Data: dir, Postgres: s.Postgres, Version: e.Version}
			if err := e.restoreInto(cmd.Context(), cfg, args[0]); err != nil {
				return err
			}
			return e.show(map[string]string{"restored": args[0], "data": dir}, func(w io.Writer) {
				fmt.Fprintf(w, "restored %s into %s\n", args[0], dir)
			})
		},
	}
}

func (e *env) restoreInto(ctx context.Context, cfg server.Config, file string) error {
	if _, err := os.Stat(e.path(file)); err != nil {
		return sluice.Errorf(sluice.NotFound, "there is no backup %s", file).Fix("correct the name of the file")
	}
	if _, err := makeDataDir(cfg.Data); err != nil {
		return err
	}
	return server.Restore(ctx, cfg, e.path(file))
}

func backupVerifyCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "verify FILE",
		Short:   "Check that a backup can be restored and holds",
		Long:    "Opens a copy of the backup and checks its whole ledger, as `audit verify` does.",
		Example: "  sluice backup verify sluice-2024-11-12.backup",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(e.path(args[0])); err != nil {
				return sluice.Errorf(sluice.NotFound, "there is no backup %s", args[0]).Fix("correct the name of the file")
			}
			report, err := server.VerifyBackup(cmd.Context(), e.path(args[0]))
			if err != nil {
				return err
			}
			return e.verified(report)
		},
	}
}
