package cli

import (
	"bytes"
	"context"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// checkChanged looks at changed files before they are published without a commit of
// the author's: what is in the middle of a merge is refused, and what looks like a
// secret is asked about.
func (e *env) checkChanged(ctx context.Context, g *gitProject, rd *gitrepo.Reader, component string, tree gitrepo.OID, changed []string) error {
	var telling []string
	for _, path := range changed {
		o, found, err := rd.Object(string(tree) + ":" + path)
		if err != nil {
			return err
		}
		if !found || o.Kind != "blob" {
			continue // deleted, or refused for what it is
		}
		if hasConflict(o.Bytes) {
			return sluice.Errorf(sluice.Conflict, "%s of %s has conflict markers: lines that begin with <<<<<<<, ======= and >>>>>>>", e.typed(g, path), component).
				Fix("resolve the conflict; when the lines belong there, commit the file first")
		}
		if secretText(string(o.Bytes)) {
			telling = append(telling, path)
		}
	}
	if len(telling) == 0 {
		return nil
	}
	return e.confirm(ctx, "publishing what looks like a secret, in "+e.listed(g, telling)+",")
}

// hasConflict reports whether a file has the lines that Git leaves where both sides
// of a merge changed it, in their order.
func hasConflict(content []byte) bool {
	markers := []string{"<<<<<<< ", "=======", ">>>>>>> "}
	for line := range bytes.Lines(content) {
		if strings.HasPrefix(string(line), markers[0]) {
			if markers = markers[1:]; len(markers) == 0 {
				return true
			}
		}
	}
	return false
}

// secretText reports whether a text gives itself away as holding a credential: as a
// whole, in a word, or in what a line sets a name to.
func secretText(text string) bool {
	if sluice.SecretValue(strings.ReplaceAll(text, "://", " ")) { // addresses are judged by themselves
		return true
	}
	apart := func(c rune) bool { return strings.ContainsRune(" \t\r\n\"'`<>,;()", c) }
	for word := range strings.FieldsFuncSeq(text, apart) {
		_, value, _ := strings.Cut(word, "=")
		for _, candidate := range []string{word, value} {
			if !strings.ContainsAny(candidate, "{}$") && sluice.SecretValue(candidate) { // a placeholder is none
				return true
			}
		}
	}
	return false
}
