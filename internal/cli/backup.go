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
	"github.com/sluice-dev/sluice/internal/config"
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
		Long: "The file appears only when it is whole. A file that exists is never overwritten. - is standard output.\n" +
			"The master key is not in it: without a copy of that, kept apart, nobody can open the secrets in it.",
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
			info, err := c.Info(cmd.Context())
			if err != nil {
				return err
			}
			return e.show(backupMade{args[0], size, info.MasterKey}, func(w io.Writer) {
				fmt.Fprintf(w, "saved %s (%d bytes)\n", args[0], size)
				fmt.Fprintln(w, keyApart(info.MasterKey))
			})
		},
	}
}

// backupMade is what the making of a backup shows as JSON.
type backupMade struct {
	File      string `json:"file"`
	Bytes     int64  `json:"bytes"`
	MasterKey string `json:"master_key,omitempty"`
}

// keyApart says that a backup has not what opens its secrets, and where that is.
func keyApart(place string) string {
	if place == "" {
		return "the master key is not in it, and none is set here"
	}
	return fmt.Sprintf("the master key is not in it but in %s: keep a copy of it apart from the backup", place)
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
			"A backup that does not hold is refused, and nothing is changed. The server must not be running.\n" +
			"The restored ledger has a new id, so that watching clients start anew.",
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
			report, err := e.restoreInto(cmd.Context(), e.backupConfig(s, dir), args[0])
			if err != nil {
				return err
			}
			out := backupRestored{args[0], dir, report.Digests, report.Sealed, report.Opened, report.MasterKey}
			return e.show(out, func(w io.Writer) {
				fmt.Fprintf(w, "restored %s into %s\n", args[0], dir)
				fmt.Fprint(w, undigested(report))
				if report.Sealed > report.Opened {
					fmt.Fprintf(w, "%d sealed values were not opened: put the master key that they were sealed under where it is looked for\n", report.Sealed)
				}
				fmt.Fprintln(w, keyApart(report.MasterKey))
			})
		},
	}
}

// backupRestored is what a restored backup shows as JSON.
type backupRestored struct {
	Restored  string `json:"restored"`
	Data      string `json:"data"`
	Digests   bool   `json:"digests"`
	Sealed    int64  `json:"sealed"`
	Opened    int64  `json:"opened"`
	MasterKey string `json:"master_key,omitempty"`
}

// backupConfig is the installation that a backup is compared with or restored into,
// with its master key.
func (e *env) backupConfig(s config.Settings, dir string) server.Config {
	return server.Config{
		Data: dir, Postgres: s.Postgres, Version: e.Version,
		MasterKey: s.MasterKey, MasterKeyFile: e.optionalPath(s.MasterKeyFile), MasterKeyCommand: s.MasterKeyCommand,
	}
}

// undigested says of an older backup what could not be compared.
func undigested(r server.BackupReport) string {
	if r.Digests {
		return ""
	}
	return "it was made before backups had digests, so that only what the ledger implies was checked; make a new one\n"
}

func (e *env) restoreInto(ctx context.Context, cfg server.Config, file string) (server.BackupReport, error) {
	if _, err := os.Stat(e.path(file)); err != nil {
		return server.BackupReport{}, sluice.Errorf(sluice.NotFound, "there is no backup %s", file).Fix("correct the name of the file")
	}
	return server.Restore(ctx, cfg, e.path(file), func() error {
		_, err := makeDataDir(cfg.Data)
		return err
	})
}

func backupVerifyCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a backup can be restored and holds",
		Long: "Opens a copy of the backup, compares all bytes and each table with the digests that were written with them,\n" +
			"and checks the whole ledger, as `audit verify` does. Where the master key can be read, each sealed value is opened.",
		Example: "  sluice backup verify sluice-2024-11-12.backup",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(e.path(args[0])); err != nil {
				return sluice.Errorf(sluice.NotFound, "there is no backup %s", args[0]).Fix("correct the name of the file")
			}
			s, err := e.load()
			if err != nil {
				return err
			}
			dir, err := e.dataDir()
			if err != nil {
				return err
			}
			report, err := server.VerifyBackup(cmd.Context(), e.backupConfig(s, dir), e.path(args[0]))
			if err != nil {
				return err
			}
			return e.verified(report.VerifyReport, report, undigested(report))
		},
	}
}
