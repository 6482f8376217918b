package sandbox

// Child is what tests see of a child.
type Child struct {
	PID  int
	Gone <-chan struct{}
}

// Children returns the children that have not ended.
func (p *Pool) Children() []Child {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Child
	for c := range p.all {
		list = append(list, Child{c.cmd.Process.Pid, c.gone})
	}
	return list
}
