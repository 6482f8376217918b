package gitsync

import (
	"cmp"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// IdentOf is the author of a commit or the tagger of a tag for what an actor did. The
// name is the actor's, as far as Git can hold it. The email stands when it is the
// actor's: when the name that is known with it is theirs, or none is; else the name
// stands again. The time is in whole seconds.
func IdentOf(actor string, at sluice.Time, name, email string) gitrepo.Signature {
	fit := fitting(actor)
	if email = fitting(email); email == nobody || name != "" && name != actor {
		email = fit
	}
	return gitrepo.Signature{Name: fit, Email: email, When: time.Unix(int64(at)/1e6, 0).UTC()}
}

// nobody is the name of an actor of whose name nothing is left.
const nobody = "nobody"

// crud is what Git takes away at the ends of a name, besides blanks.
const crud = ` .,:;<>"\'`

// fitting is a name as Git can hold it.
func fitting(name string) string {
	shown := strings.Map(func(r rune) rune {
		if hidden(r) || r == '<' || r == '>' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	shown = strings.Trim(clipTo(strings.Join(strings.Fields(shown), " "), 256), crud)
	return cmp.Or(shown, nobody)
}
