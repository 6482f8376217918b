// Package system holds what the operating systems do each in their own way: locks
// of files between processes, and processes that end with all they started. It knows
// nothing of Sluice.
package system
