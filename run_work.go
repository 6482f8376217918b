package sluice

import "slices"

// RunClaim is a worker's turn at a run. Fence is its number: who commits with an
// older one changes nothing.
type RunClaim struct {
	Run   string
	Fence int64
}

// RunWork is a run as the worker that holds it needs it.
type RunWork struct {
	Run Run
	// Fence is the number of this worker's turn.
	Fence int64
	// Content is what runs, and Parts the components that take part, by how files
	// refer to them; see [RunWork.Part].
	Content RunContent
	Parts   map[string]RunPart
	// Variables are those of the component that runs, and of the parts in theirs.
	Variables []Variable
	// Former are the secrets that the run began with, which others may still hold
	// and tell after a rotation.
	Former []Variable
	// Steps are those that have begun, with outputs and without effects, and Bytes
	// what they have collected, effects included.
	Steps []RunStep
	Bytes int64
}

// Part is the component that a file refers to so; by is the part whose file it is,
// "" for what runs itself.
func (w RunWork) Part(asked, by string) (RunPart, bool) {
	if part, found := w.Parts[AskedIn(asked, by)]; found && by != "" {
		return part, true
	}
	part, found := w.Parts[asked]
	return part, found
}

// AskedIn is [RunPin.Asked] of a reference that was pinned when the part was
// published whose file holds it: another file may mean another version by the same
// words.
func AskedIn(asked, by string) string { return asked + " in " + by }

// RunPart is a component that takes part in a run.
type RunPart struct {
	RunPin
	Files     []File
	Variables []Variable
}

// RunCommit is what a worker has done since its last commit.
type RunCommit struct {
	Run   string
	Fence int64
	// Steps replace those with their paths; their Effects are added.
	Steps []RunStep
	Begun int // how many steps have begun in all
	// Status is the run's, "" to leave it: running, paused, completed or failed, and
	// pending to give it back to the queue.
	Status  RunStatus
	Output  []byte // JSON, of a run that completed
	Error   *RunError
	Waiting *Waiting
	Usage   Usage // of all steps, when Status is set
	// WakeAt is when a run that was given back is to be taken up, or when a paused
	// one stops waiting.
	WakeAt Time
	// OutputBlock and Warnings are added to the record when set.
	OutputBlock string
	Warnings    []RunWarning
}

// Recordable returns the commit with messages that any record can hold; see
// [Recordable]. Data stays as it is: of steps, the run and what it asks.
func (c RunCommit) Recordable() RunCommit {
	c.Error = c.Error.recordable()
	c.Steps, c.Warnings = slices.Clone(c.Steps), slices.Clone(c.Warnings)
	for i, w := range c.Warnings {
		w.Message = Recordable(w.Message)
		c.Warnings[i] = w
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		s.Error, s.Reason, s.Effects = s.Error.recordable(), Recordable(s.Reason), slices.Clone(s.Effects)
		for n := range s.Effects {
			s.Effects[n].Error = Recordable(s.Effects[n].Error)
		}
	}
	return c
}

func (e *RunError) recordable() *RunError {
	if e == nil {
		return nil
	}
	out := *e
	out.Message, out.Fixes = Recordable(e.Message), slices.Clone(e.Fixes)
	for i, fix := range out.Fixes {
		out.Fixes[i] = fix.Mapped(Recordable)
	}
	return &out
}

// RunBounds are what one organization may use.
type RunBounds struct {
	Concurrency int // runs at once, on one node. Defaults to 64
	Queue       int // runs that have not ended or paused. Defaults to 10,000
	// Bytes is what one run may collect: settings, outputs and outside effects of all
	// its steps, as they are on disk. Defaults to 64 MiB.
	Bytes int64
	// Memory is what the values of all runs under way on one node may take, about, in
	// bytes. Once it is used up, each may take its share. Defaults to 96 MiB.
	Memory int64
}

// WithDefaults fills in what is not set.
func (b RunBounds) WithDefaults() RunBounds {
	if b.Concurrency <= 0 {
		b.Concurrency = 64
	}
	if b.Queue <= 0 {
		b.Queue = 10_000
	}
	if b.Bytes <= 0 {
		b.Bytes = 64 << 20
	}
	if b.Memory <= 0 {
		b.Memory = 96 << 20
	}
	return b
}
