package sluice

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Code is the stable, machine-readable kind of an [Error]. Each transport maps
// it once: to an HTTP status, to a gRPC code, to an exit status.
type Code string

// The codes, each with the exit status that the command line gives it.
const (
	Invalid         Code = "invalid"           // 2: an argument is malformed
	Unauthenticated Code = "unauthenticated"   // 3: no token, or one that is not valid
	Denied          Code = "permission_denied" // 4: the token may not do this
	NotFound        Code = "not_found"         // 5: the thing named does not exist
	Conflict        Code = "conflict"          // 6: something moved, exists already, or must be in place first
	LimitExceeded   Code = "limit_exceeded"    // 7: larger or more than allowed
	TimedOut        Code = "deadline_exceeded" // 8: the caller's deadline passed
	Unavailable     Code = "unavailable"       // 9: a server or database cannot be reached
	Refused         Code = "refused_by_policy" // 11: a policy or a quarantine says no
	Internal        Code = "internal"          // 1: a defect; details are in the server's log
)

// ErrFull is the cause of a [LimitExceeded] that passes by itself: there is no more
// room now, and the same request may do later.
var ErrFull = errors.New("full")

// ErrExists is the cause of a [Conflict] with something that has the name already.
var ErrExists = errors.New("exists")

// Error is the one error type that reaches a user. Message names the arguments,
// Fixes say what to do next, and the wrapped cause is for logs only.
type Error struct {
	Code    Code
	Message string
	Fixes   []Advice
	// Mistakes are those of a file, where Message tells of them: see [Broken].
	Mistakes []Mistake
	cause    error
}

// Errorf returns an Error with a formatted message. A %w operand becomes the
// cause and its text is part of the message.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Fix adds a sentence that tells what to do next and is true on every surface:
// it names no command, flag or field. For those there are Do and Ask.
func (e *Error) Fix(format string, args ...any) *Error {
	return e.Advise(Advise(format, args...))
}

// Do adds an operation that helps; see [Do].
func (e *Error) Do(op Operation, format string, args ...any) *Error {
	return e.Advise(Do(op, format, args...))
}

// Ask adds what to change of the request itself; see [Ask].
func (e *Error) Ask(format string, args ...any) *Error {
	return e.Advise(Ask(format, args...))
}

// Advise adds advice.
func (e *Error) Advise(advice ...Advice) *Error {
	e.Fixes = append(e.Fixes, advice...)
	return e
}

// Because records the cause without showing it.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error returns the message alone.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// AsError turns any error into an *Error. What is not one already becomes
// [TimedOut] for an ended context, [Unavailable] for what the operating system
// lacks, and [Internal] otherwise, whose text is kept as the cause and never shown.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Errorf(TimedOut, "the request ended before it was done").Because(err)
	}
	if lacking := ofSystem(err); lacking != nil {
		return lacking.Because(err)
	}
	return Errorf(Internal, "something went wrong inside Sluice").
		Fix("find its cause in the server's log, which is the server's standard error, and report both").Because(err)
}

// ofSystem is what an error of the operating system says that an operator can
// mend; nil for any other. Paths are left out, since they are the server's.
func ofSystem(err error) *Error {
	switch {
	case diskFull(err):
		return Errorf(Unavailable, "the disk is full").Fix("make room on it, then try again")
	case errors.Is(err, syscall.EROFS):
		return Errorf(Unavailable, "the file system is mounted read-only").
			Fix("see in the system's log why, mount it for writing, then try again")
	case errors.Is(err, syscall.EIO):
		return Errorf(Unavailable, "the disk cannot be read or written").Fix("see what the system's log says of it")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Errorf(Unavailable, "too many files and connections are open").Fix("allow the process more of them, then try again")
	}
	return nil
}

// CodeOf returns the code of err, or "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
