package sluice

import (
	"regexp"
	"slices"
)

// CheckRecords checks a request by itself: its limits, but not its single records,
// which [CheckRecord] does.
func CheckRecords(req RecordRequest) error {
	n, slots, bytes := len(req.Records), 0, 0
	for _, r := range req.Records {
		if r.Version != nil {
			for _, f := range r.Version.Files {
				bytes += len(f.Text) + len(f.Base64)
			}
		}
		if r.Release != nil {
			slots += len(r.Release.Slots)
		}
	}
	var err *Error
	switch {
	case n == 0:
		return Errorf(Invalid, "there is nothing to record").Fix("give a version or a release")
	case n > MaxRecords:
		err = Errorf(LimitExceeded, "%d records in one request; the limit is %d", n, MaxRecords)
	case slots > MaxRecordSlots:
		err = Errorf(LimitExceeded, "%d slots in one request; the limit is %d", slots, MaxRecordSlots)
	case bytes > MaxRecordBytes:
		err = Errorf(LimitExceeded, "the files of one request are %d bytes; the limit is %d", bytes, MaxRecordBytes)
	default:
		return nil
	}
	return err.Fix("send fewer records at once, in their order")
}

// CheckRecord checks a record by itself.
func CheckRecord(r Record) error {
	switch {
	case (r.Version == nil) == (r.Release == nil):
		return Errorf(Invalid, "a record is a version or a release").Fix("give one of the two")
	case r.Version != nil:
		return r.Version.check()
	}
	return r.Release.check()
}

// check checks what a publish does not: that someone made the version some time.
func (v *VersionRecord) check() error {
	switch {
	case v.Author == "":
		return Errorf(Invalid, "the version of %s has no author", clip(v.Component)).Fix("say who made it")
	case v.At == 0:
		return Errorf(Invalid, "the version of %s has no time", clip(v.Component)).Fix("say when it was made")
	}
	return CheckCommit(v.Commit)
}

var actions = []Action{
	ActionDeploy, ActionPromote, ActionRollback, ActionRestore, ActionUnset, ActionConfigure, ActionTrack, ActionInherited, ActionReparent,
	ActionCreate, ActionDelete,
}

// maxNamed bounds how many environments a record names in one list.
const maxNamed = 1_000

func (r *ReleaseRecord) check() error {
	if err := CheckWord("environment", r.Environment); err != nil {
		return err
	}
	if !slices.Contains(actions, r.Action) {
		return Errorf(Invalid, "action %q is not known", clip(string(r.Action))).Fix("use one of %v", actions)
	}
	if r.Actor == "" {
		return Errorf(Invalid, "the release of %s has no actor", r.Environment).Fix("say who made it")
	}
	for _, text := range [][2]string{{"actor", r.Actor}, {"cause", r.Cause}, {"source", r.Source}} {
		if err := CheckText(text[0], text[1], MaxTicketBytes); err != nil {
			return err
		}
	}
	if err := CheckCommit(r.Commit); err != nil {
		return err
	}
	named := len(r.Apart)
	if r.Settings != nil {
		named = max(named, len(r.Settings.PromotesFrom))
	}
	if named > maxNamed {
		return Errorf(LimitExceeded, "the release of %s names %d environments; the limit is %d", r.Environment, named, maxNamed)
	}
	seen := map[Slot]bool{}
	for _, s := range r.Slots {
		if err := s.check(); err != nil {
			return err
		}
		slot := ComponentSlot(FoldName(s.Slot.Component())) // names of components ignore case, keys do not
		if key, overlay, ok := s.Slot.Variable(); ok {
			slot = VariableSlot(key, FoldName(overlay))
		}
		if seen[slot] {
			return Errorf(Invalid, "%s is named twice in one release", s.Slot.Name()).Fix("name each slot once")
		}
		seen[slot] = true
	}
	return (Change{Reason: r.Reason, Ticket: r.Ticket}).Check()
}

// check checks that the slot is one, and that its values are of its sort.
func (s SlotRecord) check() error {
	if _, err := ParseSlot(string(s.Slot)); err != nil {
		return err
	}
	if err := s.checkValue(s.Value); err != nil {
		return err
	}
	if err := s.checkValue(s.Under); err != nil {
		return err
	}
	switch {
	case !s.Under.IsZero() && !s.Under.Settled():
		return Errorf(Invalid, "what lies under %s is not settled", s.Slot.Name()).Fix("name one version")
	case s.Origin != "" && !s.Value.Live():
		return Errorf(Invalid, "%s holds nothing, and inherits it from %s", s.Slot.Name(), clip(s.Origin)).Fix("leave the origin out")
	case s.Pinned && (s.Origin != "" || s.Value.IsZero()):
		return Errorf(Invalid, "%s is pinned, and not the environment's own", s.Slot.Name()).Fix("leave out that it is pinned")
	case s.Origin != "":
		return CheckWord("environment", s.Origin)
	}
	return nil
}

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	sealedForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// checkValue checks that a value is one that the slot can hold, in its one form.
func (s SlotRecord) checkValue(v Value) error {
	bad := func(why string) error {
		return Errorf(Invalid, "%s cannot hold %q: %s", s.Slot.Name(), clip(v.Encode()), why)
	}
	_, overlay, variable := s.Slot.Variable()
	switch {
	case v.Equal(Value{}), v.Equal(Value{None: true}):
		return nil
	case v.None:
		return bad("it is something and none")
	case variable:
		return checkSealed(v, overlay != "", bad)
	case v.Sealed != Sealed{}:
		return bad("it is a variable's value")
	}
	for _, p := range append(Value{Split: v.Split}.Pins(), v.Pin) {
		if err := checkPin(p); err != nil {
			return bad(err.Error())
		}
	}
	if len(v.Split) > 0 {
		_, err := Allocate(v.Pin, v.Split)
		return err
	}
	return nil
}

func checkPin(p Pin) error {
	switch label, err := ParseLabel(string(p.Label)); {
	case p.Version < 1:
		return Errorf(Invalid, "a version has a number from 1")
	case !digestForm.MatchString(string(p.Digest)):
		return Errorf(Invalid, "a version has a digest, sha256: and 64 hex digits")
	case p.Label != "" && err != nil:
		return err
	case p.Label != "" && label != p.Label:
		return Errorf(Invalid, "the label is %s", label)
	}
	return nil
}

// checkSealed checks a variable's value: that it is of one sort.
func checkSealed(v Value, overlay bool, bad func(string) error) error {
	sorts := 0
	for _, is := range []bool{v.Fingerprint != "", v.Stub, v.Hidden} {
		if is {
			sorts++
		}
	}
	switch {
	case v.Pin != Pin{} || len(v.Split) > 0:
		return bad("it is a component's version")
	case sorts != 1, v.Secret && v.Fingerprint == "":
		return bad("a variable has a fingerprint, or is a stub or hidden")
	case v.Hidden && !overlay:
		return bad("only an overlay hides")
	case v.Fingerprint != "" && !sealedForm.MatchString(v.Fingerprint):
		return bad("a fingerprint has 32 hex digits")
	}
	return nil
}
