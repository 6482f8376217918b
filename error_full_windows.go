package sluice

import (
	"errors"
	"syscall"
)

// diskFull reports whether an error says that a disk or a quota is full, in the
// numbers of this system or in the name that others use.
func diskFull(err error) bool {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return false
	}
	switch number {
	case 39, 112, 1295, syscall.ENOSPC, syscall.EDQUOT: // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED
		return true
	}
	return false
}
