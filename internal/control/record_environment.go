package control

import (
	"slices"

	"github.com/sluice-dev/sluice"
)

// find finds the environment that a record means: with settings by its name, as it
// has it everywhere, else also by its alias here.
func (r *recording) find(rec sluice.ReleaseRecord) (sluice.Environment, bool, error) {
	e, found, err := r.tx.FindEnvironment(rec.Environment)
	if err == nil && found && rec.Settings != nil && sluice.FoldName(e.Name) != sluice.FoldName(rec.Environment) {
		err = sluice.Errorf(sluice.Conflict, "%s is the name of an environment elsewhere, and here the alias of %s", rec.Environment, e.Name).
			Do(sluice.EditEnvironment(e.Name, "alias", ""), "give %s another alias", e.Name)
	}
	return e, found, err
}

// environment finds the environment of a release, which is made or set up as the
// record says. Elsewhere its settings fit those of the others; where they do not
// here, what others have is older and gives way, so that a history can always be
// taken in.
func (r *recording) environment(rec sluice.ReleaseRecord) (sluice.Environment, error) {
	was, found, err := r.find(rec)
	if err != nil {
		return was, err
	}
	alive := found && !was.Deleted
	if rec.Settings == nil && !alive {
		return findEnvironment(r.tx, rec.Environment)
	}
	next := was
	if !found {
		next.Name = rec.Environment
	}
	if err := r.actor.May(sluice.MayDeploy, next.Name); err != nil || rec.Settings == nil {
		return next, err
	}
	s := rec.Settings
	next.Deleted, next.Alias, next.Parent, next.Tracks = false, s.Alias, s.Parent, s.Tracks
	if !alive || !rec.Ask {
		next.PromotesFrom = slices.Clone(s.PromotesFrom)
	}
	if next.Parent == "" && next.Name != sluice.Base {
		next.Parent = sluice.Base
	}
	if err := sluice.CheckEnvironment(next); err != nil {
		return next, err
	}
	if err := r.fit(&next, was); err != nil {
		return next, err
	}
	switch {
	case !alive:
		return next, r.add(&next, found)
	case sameSettings(was, next):
		return was, nil
	}
	return next, r.edit(next)
}

// fit makes room for an environment's settings among the others.
func (r *recording) fit(next *sluice.Environment, was sluice.Environment) error {
	for i, name := range next.PromotesFrom {
		source, err := r.named(name, true)
		if err != nil {
			return err
		}
		next.PromotesFrom[i] = source.Name
	}
	if next.Parent != "" {
		parent, err := r.named(next.Parent, false)
		if err != nil {
			return err
		}
		if next.Parent = parent.Name; parent.Name != sluice.Base && parent.Name != was.Parent {
			if err := r.actor.May(sluice.MayDeploy, parent.Name); err != nil { // whose values come with it
				return err
			}
		}
		if err := r.uncircled(*next); err != nil {
			return err
		}
	}
	return r.freeAlias(next)
}

// named finds an environment that another's settings name. One that nothing was
// released to yet is not known here, and is made.
func (r *recording) named(name string, past bool) (sluice.Environment, error) {
	e, found, err := r.tx.FindEnvironment(name)
	if err != nil || found && (past || !e.Deleted) {
		return e, err
	}
	if !found {
		e.Name = name
	}
	e.Parent, e.Deleted = sluice.Base, false
	if err := sluice.CheckEnvironment(e); err != nil {
		return e, err
	}
	if err := r.actor.May(sluice.MayDeploy, e.Name); err != nil {
		return e, err
	}
	return e, r.add(&e, found)
}

// uncircled gives the ancestor whose parent is the environment itself another one:
// elsewhere it has one.
func (r *recording) uncircled(e sluice.Environment) error {
	if e.Parent == e.Name {
		return sluice.Errorf(sluice.Invalid, "%s cannot inherit from itself", e.Name).Fix("name another parent, such as base")
	}
	for at := e.Parent; at != ""; {
		above, err := r.tx.Environment(at)
		if err != nil {
			return err
		}
		if above.Parent == e.Name {
			above.Parent = sluice.Base
			if err := r.edit(above); err != nil {
				return err
			}
		}
		at = above.Parent
	}
	return nil
}

// freeAlias takes the alias from the environment that has it here. It is never taken
// from one whose name it is: then the environment goes without.
func (r *recording) freeAlias(next *sluice.Environment) error {
	other, found, err := r.tx.FindEnvironment(next.Alias)
	if err != nil || !found || other.Name == next.Name {
		return err
	}
	if sluice.FoldName(other.Name) == sluice.FoldName(next.Alias) {
		next.Alias = ""
		return nil
	}
	other.Alias = ""
	return r.edit(other)
}

func (r *recording) add(e *sluice.Environment, found bool) error {
	if !found {
		var err error
		if e.Position, err = lastPosition(r.tx); err != nil {
			return err
		}
	}
	return addEnvironment(r.tx, r.actor.Name, e)
}

func (r *recording) edit(e sluice.Environment) error {
	if err := r.actor.May(sluice.MayDeploy, e.Name); err != nil {
		return err
	}
	if _, err := r.tx.Append(r.actor.Name, sluice.EntryEnvironmentEdit, e.Name, e); err != nil {
		return err
	}
	return r.tx.PutEnvironment(e)
}

// end ends an environment that ended elsewhere, unless it is needed or holds
// something here.
func (r *recording) end(name string) error {
	e, err := r.tx.Environment(name)
	if err != nil {
		return err
	}
	left, err := r.tx.Settings(name, sluice.Latest)
	if err != nil || len(left) > 0 {
		return err
	}
	if err := deletable(r.tx, e); err != nil {
		if sluice.CodeOf(err) == sluice.Conflict {
			return nil
		}
		return err
	}
	e.Deleted, e.Alias = true, ""
	if _, err := r.tx.Append(r.actor.Name, sluice.EntryEnvironmentDelete, e.Name, e); err != nil {
		return err
	}
	return r.tx.PutEnvironment(e)
}

// names are environments by their names; one that is not known here is left out.
func (r *recording) names(list []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, name := range list {
		e, found, err := r.tx.FindEnvironment(name)
		if err != nil {
			return nil, err
		}
		if found {
			out[e.Name] = true
		}
	}
	return out, nil
}

// sameSettings reports whether nothing about an environment was edited.
func sameSettings(a, b sluice.Environment) bool {
	return a.Alias == b.Alias && a.Parent == b.Parent && a.Tracks == b.Tracks && slices.Equal(a.PromotesFrom, b.PromotesFrom) && a.KeepRuns == b.KeepRuns
}
