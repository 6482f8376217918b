package main

// Config says how much to measure.
type Config struct {
	Releases int  // how many releases lie behind what is measured
	Big      bool // also what takes minutes
}

// Row is one line of the report: what was measured, what it should be, what it
// is, and what a reader must know to judge it.
type Row struct {
	Name, Target, Result, Note string
}
