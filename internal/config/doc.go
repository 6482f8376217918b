// Package config reads what a person or a pipeline configures: the settings of
// a command line, which come from defaults, a file, the environment and flags in
// that order, and the project file sluice.yaml, for which it also finds what
// could be a component. A mistake in a file is an error with its line and column.
// The package opens files and nothing else: it knows no server and changes nothing.
package config
