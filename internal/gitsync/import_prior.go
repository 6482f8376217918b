package gitsync

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// importOf begins the cause of a release that was imported; what it is of follows.
const importOf = "import of "

// prior is what an environment has from before an import.
type prior struct {
	imported map[string]sluice.Time // what releases are of, and their times
	last     string                 // the newest of them
	foreign  *sluice.Release        // the newest release since then that was made in another way
	at       sluice.Time            // of the last release
	number   int64                  // of the last release
}

// priorTo reads an environment's releases.
func (im *importer) priorTo(e sluice.Environment) (prior, error) {
	p := prior{imported: map[string]sluice.Time{}}
	for q := (sluice.ReleaseQuery{Environment: e.Name, Paging: sluice.Paging{Limit: sluice.MaxPage}}); ; {
		page, err := im.b.services.Releases(im.ctx, q)
		if err != nil {
			return p, err
		}
		for _, r := range page.Items {
			p.add(r)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return p, nil
		}
	}
}

// add takes in a release, of which the newest come first.
func (p *prior) add(r sluice.Release) {
	if p.at == 0 {
		p.at, p.number = r.At, r.Number
	}
	if of, ok := strings.CutPrefix(r.Cause, importOf); ok {
		if p.last == "" {
			p.last = of
		}
		p.imported[of] = r.At
		return
	}
	// What it only inherited of an import has the date of that.
	follows := r.Action == sluice.ActionInherited && r.SourceAt == 0 && r.At < r.RecordedAt
	if p.last == "" && p.foreign == nil && !follows {
		p.foreign = &r
	}
}

// check refuses an environment that was live here before anything was imported.
func (p prior) check(t *target) error {
	if p.last != "" || p.foreign == nil {
		return nil
	}
	return p.refusal(t)
}

func (p prior) refusal(t *target) error {
	return sluice.Errorf(sluice.Conflict, "%s was live here already (%s by %s at %s), and what %s had before that cannot be put beneath it",
		t.env.Name, p.foreign.Ref(), p.foreign.Actor, p.foreign.At, t.ref).
		Fix("import it into an environment of its own, which is made for it: --deployments %s=%s-past", t.ref, t.env.Name)
}

// rest are the deeds that are not recorded yet, by what they are of.
func (p prior) rest(t *target) (map[string]bool, error) {
	rest := make(map[string]bool, len(t.deeds))
	for _, d := range t.deeds {
		_, here := p.imported[d.of]
		if here && t.tip != "" {
			clear(rest) // those before it in one history are here too, or changed nothing
		}
		if !here {
			rest[d.of] = true
		}
	}
	if t.tip != "" && p.last != "" && !slices.ContainsFunc(t.deeds, func(d deed) bool { return d.of == p.last }) {
		return nil, sluice.Errorf(sluice.Conflict, "%s holds the import of another history, up to %s", t.env.Name, clip(p.last)).
			Fix("import it into an environment of its own, which is made for it: --deployments %s=%s-past", t.ref, t.env.Name)
	}
	return rest, nil
}

// fits reports whether a release of that time can come after what is here.
func (p prior) fits(t *target, at sluice.Time) error {
	switch {
	case p.foreign != nil:
		return p.refusal(t)
	case p.last == "" && p.number > 0 && at < p.at:
		return sluice.Errorf(sluice.Conflict, "%s inherited something at %s already, and %s begins before that, at %s", t.env.Name, p.at, t.ref, at).
			Fix("import the histories of all environments at once")
	}
	return nil
}
