//go:build !windows

package sluice

import (
	"errors"
	"syscall"
)

// diskFull reports whether an error says that a disk or a quota is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
