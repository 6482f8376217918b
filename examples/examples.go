// Package examples holds the example projects that people copy to try Sluice
// with, and carries the one that the demo plays inside the program. It is files
// only: it must never hold code that an example would need to run.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed support-desk/sluice.yaml support-desk/components support-desk/history support-desk/smoke
var files embed.FS

// SupportDesk is the project of the support desk, without what working in it
// leaves behind. Its history directory holds later edits, each laid out like the
// project.
func SupportDesk() fs.FS {
	project, err := fs.Sub(files, "support-desk")
	if err != nil {
		panic(err) // the name is a constant
	}
	return project
}
