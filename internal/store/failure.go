package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/sluice-dev/sluice"
)

// commitFailure is an error of the statement that commits. What became of the
// change is then not known, unless the engine itself refused.
type commitFailure struct{ error }

func (f commitFailure) Unwrap() error { return f.error }

// outcome completes what went wrong with a change by what became of it. Errors
// that callers made themselves, such as refusals, stay as they are.
func (db *DB) outcome(err error) error {
	var known *sluice.Error
	if err == nil || errors.As(err, &known) && !errors.Is(err, errMoved) {
		return err
	}
	var committing commitFailure
	unknown := errors.As(err, &committing) && !db.dialect.refused(committing.error)
	if !errors.As(db.mapped(err), &known) {
		if !unknown {
			return err
		}
		known = sluice.Errorf(sluice.Unavailable, "the database did not confirm a change")
	}
	if known.Code != sluice.Unavailable {
		return known
	}
	became := "the change was not made"
	if unknown {
		became = "whether the change was made is not known"
	}
	e := sluice.Errorf(sluice.Unavailable, "%s; %s", known.Message, became).Because(err)
	e.Fixes = append(slices.Clone(known.Fixes), sluice.SendAgain())
	return e
}

// The ways in which a database is unavailable, whatever the engine.

func busy(cause error) error {
	return sluice.Errorf(sluice.Unavailable, "the database is busy").Fix("try again in a moment").Because(cause)
}

func unreachable(what string, cause error) error {
	return sluice.Errorf(sluice.Unavailable, "%s", what).
		Fix("see that PostgreSQL runs, that the Sluice server reaches it, and that it lets the user of the URL in").Because(cause)
}

// connectionLost reports whether an error says that a connection ended, or could
// not be had, rather than what the server at its other end thinks.
func connectionLost(err error) bool {
	for _, lost := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, errBroken,
		syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	var network net.Error
	return errors.As(err, &network)
}
