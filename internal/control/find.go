package control

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// findComponent returns a component, or NotFound with a suggestion.
func findComponent(tx *store.Tx, name string) (sluice.Component, error) {
	c, found, err := tx.Component(name)
	if err != nil || found {
		return c, err
	}
	if err := sluice.CheckName("component", name); err != nil {
		return c, err
	}
	names, err := tx.ComponentNames()
	if err != nil {
		return c, err
	}
	e := sluice.Errorf(sluice.NotFound, "component %s does not exist", name)
	if near := sluice.Suggest(name, names); near != "" {
		return c, e.Fix("did you mean %s?", near)
	}
	if len(names) == 0 {
		return c, e.Do(sluice.PublishVersion(""), "publish one")
	}
	return c, e.Fix("there is %s", sluice.Listing(names, 8))
}

// findEnvironment returns a living environment by name or alias, or NotFound
// with a suggestion.
func findEnvironment(tx *store.Tx, name string) (sluice.Environment, error) {
	e, found, err := tx.FindEnvironment(name)
	if err != nil || found && !e.Deleted {
		return e, err
	}
	if err := sluice.CheckWord("environment", name); err != nil {
		return e, err
	}
	names, err := environmentNames(tx)
	if err != nil {
		return e, err
	}
	missing := sluice.Errorf(sluice.NotFound, "environment %s does not exist", name)
	if found {
		missing = sluice.Errorf(sluice.NotFound, "environment %s was deleted", e.Name)
	}
	if near := sluice.Suggest(name, names); near != "" {
		missing = missing.Fix("did you mean %s?", near)
	}
	return e, missing.Fix("there is %s", sluice.Listing(names, 12)).Do(sluice.MakeEnvironment(name), "make it")
}

// environmentNames are the names and aliases of all living environments.
func environmentNames(tx *store.Tx) ([]string, error) {
	all, err := tx.Environments(false)
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
		if e.Alias != "" {
			names = append(names, e.Alias)
		}
	}
	return names, err
}

// findVersion resolves a reference to one version of a component.
func findVersion(tx *store.Tx, component sluice.Component, text string) (sluice.Version, error) {
	ref, err := sluice.ParseVersionRef(text)
	if err != nil {
		return sluice.Version{}, err
	}
	v, found, err := lookUp(tx, component, ref)
	if err != nil || found {
		return v, err
	}
	return v, noVersion(tx, component, ref)
}

func lookUp(tx *store.Tx, c sluice.Component, ref sluice.VersionRef) (sluice.Version, bool, error) {
	switch {
	case ref.Number > 0:
		return tx.VersionByNumber(c.Name, ref.Number)
	case ref.Label != "":
		return tx.VersionByLabel(c.Name, ref.Label)
	case ref.Latest:
		return tx.VersionByNumber(c.Name, c.Latest)
	case ref.Digest != "":
		return byDigest(tx, c, ref)
	case ref.Name != "":
		return tx.VersionByName(c.Name, ref.Name)
	case ref.Environment != "":
		e, err := findEnvironment(tx, ref.Environment)
		if err != nil {
			return sluice.Version{}, false, err
		}
		return liveVersion(tx, c, e)
	}
	e, found, err := tx.FindEnvironment(ref.Word)
	if err != nil {
		return sluice.Version{}, false, err
	}
	if found && !e.Deleted {
		return liveVersion(tx, c, e)
	}
	return tx.VersionByName(c.Name, ref.Word)
}

// byDigest finds by a digest's beginning. Numbers that share one content are the
// same content, so the newest of them is meant; different contents are ambiguous.
func byDigest(tx *store.Tx, c sluice.Component, ref sluice.VersionRef) (sluice.Version, bool, error) {
	versions, err := tx.VersionsByDigest(c.Name, ref.Digest)
	if err != nil || len(versions) == 0 {
		return sluice.Version{}, false, err
	}
	seen := map[sluice.Digest]string{}
	var names []string
	for _, v := range versions {
		if seen[v.Digest] == "" {
			seen[v.Digest] = v.Ref()
			names = append(names, fmt.Sprintf("%s (%s)", v.Ref(), v.Digest.Short()))
		}
	}
	if len(seen) > 1 {
		return sluice.Version{}, false, sluice.Errorf(sluice.Conflict, "%s@%s is ambiguous: it may be %s", c.Name, ref, strings.Join(names, " or ")).
			Fix("give more digits, or a number")
	}
	return versions[0], true, nil
}

func liveVersion(tx *store.Tx, c sluice.Component, e sluice.Environment) (sluice.Version, bool, error) {
	s, err := tx.Setting(e.Name, sluice.ComponentSlot(c.Name), sluice.Latest)
	if err != nil {
		return sluice.Version{}, false, err
	}
	if !s.Value.Live() {
		return sluice.Version{}, false, sluice.Errorf(sluice.NotFound, "%s is not live in %s", c.Name, e.Name).
			Do(sluice.SeeHistory(c.Name, e.Name), "see {}")
	}
	return tx.VersionByNumber(c.Name, s.Value.Version)
}

// noVersion explains what there is instead.
func noVersion(tx *store.Tx, c sluice.Component, ref sluice.VersionRef) error {
	e := sluice.Errorf(sluice.NotFound, "%s has no version %s", c.Name, ref)
	newest, err := tx.Versions(c.Name, int(^uint(0)>>1), 8)
	if err != nil {
		return err
	}
	versions := newest.Items
	if len(versions) == 0 {
		return e.Do(sluice.PublishVersion(c.Name), "publish one")
	}
	var names []string
	for _, v := range versions {
		names = append(names, v.Pin().String())
	}
	more := ""
	if c.Latest > len(versions) {
		more = fmt.Sprintf(" and %d older", c.Latest-len(versions))
	}
	return e.Do(sluice.ListVersions(c.Name), "there is %s%s; see {}", strings.Join(names, ", "), more)
}

// point resolves an environment reference to the environment and the number of
// a release, which is sluice.Latest when the present is meant.
func point(tx *store.Tx, ref sluice.EnvironmentRef) (sluice.Environment, int64, error) {
	past, err := ref.Exact, error(nil)
	if !past && !ref.At.IsZero() {
		if past, err = tx.Past(ref.At); err != nil {
			return sluice.Environment{}, 0, err
		}
	}
	e, err := findEnvironment(tx, ref.Name)
	if err != nil && past { // the past of an environment outlives it
		if deleted, found, lookErr := tx.FindEnvironment(ref.Name); lookErr == nil && found {
			e, err = deleted, nil
		}
	}
	if err != nil {
		return e, 0, err
	}
	switch {
	case ref.Exact && ref.Release > e.Release:
		return e, 0, sluice.Errorf(sluice.NotFound, "release %s#%d does not exist; the last is #%d", e.Name, ref.Release, e.Release).
			Do(sluice.SeeHistory("", e.Name), "see {}")
	case ref.Exact:
		return e, ref.Release, nil
	case !past:
		return e, sluice.Latest, nil
	}
	n, err := tx.ReleaseAt(e.Name, ref.At)
	return e, n, err
}

// parsePoint reads an environment reference from a request, where times carry
// their zone.
func parsePoint(text string) (sluice.EnvironmentRef, error) {
	return sluice.ParseEnvironmentRef(text)
}
