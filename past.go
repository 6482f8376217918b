package sluice

import "math"

// Latest, as a release number, is whatever the last release is.
const Latest int64 = math.MaxInt64

// Past answers what the rules ask about an organization. A store answers inside
// the transaction that appends, so that nothing moves between the question and
// the change.
type Past interface {
	// Environment returns one by its name. NotFound.
	Environment(name string) (Environment, error)
	// Children are the environments whose parent it is, by position.
	Children(name string) ([]Environment, error)
	// Settings are the present slots of an environment after a release, sorted.
	Settings(environment string, release int64) ([]Setting, error)
	// Setting is one slot after a release; when it was never set by then, only
	// Slot is filled in.
	Setting(environment string, slot Slot, release int64) (Setting, error)
	// LastWith is the newest setting of a slot that was settled on a version, in
	// all of the environment's history; when there is none, only Slot is filled in.
	LastWith(environment string, slot Slot, version int) (Setting, error)
	// SettingFrom is the newest setting of a slot to a value that began with a release
	// of a time, its own or that of elsewhere, or with a zero time of any; when there is
	// none, only Slot is filled in.
	SettingFrom(environment string, slot Slot, value Value, at Time) (Setting, error)
	// Ended is the last release after which the setting that began with a release
	// was live, [Latest] when it still is.
	Ended(environment string, slot Slot, since int64) (int64, error)
	// Overlays are all that a component ever had in an environment, as they were
	// after a release; what was absent then still knows what lay under it.
	Overlays(environment, component string, release int64) ([]Setting, error)
	// Release returns one release. NotFound.
	Release(environment string, number int64) (Release, error)
	// Barred says why a version of a component may not go live: it is
	// quarantined or purged, or the component is archived. "" lets it.
	Barred(component string, p Pin) (string, error)
	// Requires are the variables that a version of a component declares to need.
	Requires(component string, p Pin) ([]string, error)
	// Sealed reports whether the value with a fingerprint can come back: it was not
	// shredded. One that was set elsewhere can, although it is not known here.
	Sealed(fingerprint string) (bool, error)
}
