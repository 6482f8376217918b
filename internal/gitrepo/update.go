package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// patience is how long a lock that another process holds is waited for.
const patience = 3 * time.Second

// Update is one change of a ref, made only when it is where it was.
type Update struct {
	Ref string // in full
	New OID    // "" deletes it
	Old OID    // where it must be; "" means that it must not exist
	Any bool   // wherever it is, or nowhere; Old is not looked at
}

// Moved says that a ref was not where an update expects it. It unwraps to the
// [sluice.Conflict] that a user is to see.
type Moved struct {
	Ref string // in full
	Err error
}

// Error returns the message for a user.
func (m *Moved) Error() string { return m.Err.Error() }

// Unwrap returns the error for a user.
func (m *Moved) Unwrap() error { return m.Err }

// Update makes all changes or none, in one transaction and one process, once the
// objects that were put are on disk. Nothing has changed when it returns
//   - *[Moved], when a ref was not where it should be;
//   - [sluice.Refused], when a hook declined, with its words;
//   - [sluice.Unavailable], when another process held a lock for seconds;
//   - [sluice.Conflict], when one ref's name is the directory of another's;
//   - [sluice.Invalid], for a name that is none or is there twice.
//
// After an error of the context nobody knows whether all or nothing has changed.
func (r *Repo) Update(ctx context.Context, updates []Update) error {
	if len(updates) == 0 {
		return nil
	}
	commands, err := r.transaction(updates)
	if err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	give := time.Now().Add(r.patience)
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		_, err := r.Run(ctx, commands, "update-ref", "--no-deref", "--stdin", "-z")
		var failure *Failure
		if err == nil || !errors.As(err, &failure) {
			return err
		}
		if !lockHeld.MatchString(failure.Stderr) || time.Now().Add(pause).After(give) {
			return updateError(failure)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// transaction writes the commands for `git update-ref --stdin -z`.
func (r *Repo) transaction(updates []Update) ([]byte, error) {
	var b bytes.Buffer
	seen := make(map[string]bool, len(updates))
	b.WriteString("start\x00")
	for _, u := range updates {
		if err := CheckRef(u.Ref); err != nil {
			return nil, err
		}
		if seen[u.Ref] {
			return nil, sluice.Errorf(sluice.Invalid, "%s would be changed twice at once", u.Ref).Fix("make one change after the other")
		}
		seen[u.Ref] = true
		for _, id := range []OID{u.New, u.Old} {
			if id == "" {
				continue
			}
			if err := r.checkIDs(id); err != nil {
				return nil, err
			}
		}
		old := string(u.Old) // which git does not look at when it is empty
		if old == "" && !u.Any {
			old = r.zero()
		}
		if u.Any {
			old = ""
		}
		switch {
		case u.New != "":
			fmt.Fprintf(&b, "update %s\x00%s\x00%s\x00", u.Ref, u.New, old)
		case u.Old == "" && !u.Any: // it is to go, and must not be there
			fmt.Fprintf(&b, "verify %s\x00%s\x00", u.Ref, old)
		default:
			fmt.Fprintf(&b, "delete %s\x00%s\x00", u.Ref, old)
		}
	}
	b.WriteString("prepare\x00commit\x00")
	return b.Bytes(), nil
}

// What update-ref says when it gives up.
var (
	lockHeld  = regexp.MustCompile(`Unable to create '([^']*\.lock)': (File exists|No such file or directory)`)
	notThere  = regexp.MustCompile(`cannot lock ref '([^']*)': (is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference '[^']*'(\n|$))`)
	inTheWay  = regexp.MustCompile(`'([^']*)' exists; cannot create '([^']*)'|cannot process '([^']*)' and '([^']*)' at the same time`)
	hookSaid  = regexp.MustCompile(`aborted by (the reference-transaction )?hook`)
	fatalLine = regexp.MustCompile(`(?m)^(fatal|error): .*$`)
)

// updateError says why a transaction failed.
func updateError(f *Failure) error {
	if hookSaid.MatchString(f.Stderr) {
		said := oneLine(strings.TrimSpace(fatalLine.ReplaceAllString(f.Stderr, "")))
		if said == "" {
			said = "it does not say why"
		}
		return sluice.Errorf(sluice.Refused, "a hook of the repository declined the change: %s", said).
			Fix("see the hook reference-transaction, in the directory that `git rev-parse --git-path hooks` prints").Because(f)
	}
	if m := lockHeld.FindStringSubmatch(f.Stderr); m != nil {
		return sluice.Errorf(sluice.Unavailable, "another git process holds %s", m[1]).
			Fix("try again when it is done; when none runs, remove that file").Because(f)
	}
	if m := notThere.FindStringSubmatch(f.Stderr); m != nil {
		return &Moved{m[1], sluice.Errorf(sluice.Conflict, "%s was changed by somebody else meanwhile", m[1]).
			Fix("look at what it is, and try again").Because(f)}
	}
	if m := inTheWay.FindStringSubmatch(f.Stderr); m != nil {
		return sluice.Errorf(sluice.Conflict, "%s and %s cannot both be refs", m[1]+m[3], m[2]+m[4]).
			Fix("remove one with `git update-ref -d REF`, or choose another name").Because(f)
	}
	return f
}
