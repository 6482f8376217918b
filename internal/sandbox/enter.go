// Package sandbox evaluates templates, conditions and scripts that nobody needs
// to trust. Each evaluation, the reading of its text included, runs in a child
// process of the same program that has no environment, no files and little
// memory, one at a time; a child that does not answer in time is killed. No text
// can therefore hold, fill or end the process that asks.
//
// A program that uses it must call [Enter] before anything else, since its
// children are started as the program itself. The package starts nothing but
// those, and never evaluates in the asking process what an engine is needed for.
package sandbox

import (
	"os"
	"slices"
	"sync/atomic"
)

// variable marks the children, in their environment.
const variable = "SLUICE_SANDBOX"

// roles are the values of variable, which tell a child what it is for.
var roles = [classes]string{checks: "checks", runs: "runs"}

// entered is set once the program is known to serve when it is started again.
// Without that, a child would be the whole program, which would start children.
var entered atomic.Bool

// Enter makes a process that was started as a child serve and end; in such a
// process it never returns. In any other it returns at once, and pools can work.
// It must be the first call in main, and in TestMain.
func Enter() {
	if of := slices.Index(roles[:], os.Getenv(variable)); of >= 0 {
		os.Exit(serve(class(of), input(), os.Stdout))
	}
	entered.Store(true)
}
