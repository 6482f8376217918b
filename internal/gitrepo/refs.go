package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Ref is one ref and what it points at.
type Ref struct {
	Name   string // in full: "refs/tags/components/bot/prod"
	ID     OID
	Kind   string // of the object: "tag" when it is annotated, "commit" mostly otherwise
	Peeled OID    // what a tag stands for in the end; ID unless Kind is "tag"
}

// refFormat has for-each-ref write one ref a line; no name holds a line's end.
// The last two are what a tag itself says that it points at: asking for the
// object there would have git open that one too, and take four times as long.
const refFormat = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(object)%00%(type)"

// Refs returns the refs below the prefixes, sorted by name. A prefix is a name in
// full or what stands before a slash in one, such as "refs/tags/components".
// Without any it returns all.
func (r *Repo) Refs(ctx context.Context, prefixes ...string) ([]Ref, error) {
	for _, prefix := range prefixes {
		if err := CheckRef(strings.TrimSuffix(prefix, "/") + "/x"); err != nil {
			return nil, err
		}
	}
	var refs []Ref
	var nested []int
	err := r.stream(ctx, process{args: append([]string{"for-each-ref", refFormat, "--"}, prefixes...)}, func(stdout io.Reader) error {
		lines := bufio.NewReaderSize(stdout, 64<<10)
		for {
			line, err := lines.ReadSlice('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read refs: %w", err)
			}
			ref, deep, err := parseRef(string(line[:len(line)-1]))
			if err != nil {
				return err
			}
			if deep {
				nested = append(nested, len(refs))
			}
			refs = append(refs, ref)
		}
	})
	if err != nil {
		return nil, err
	}
	return refs, r.peel(ctx, refs, nested)
}

// parseRef reads a line of refFormat. Nested says that it is a tag of a tag.
func parseRef(line string) (ref Ref, nested bool, err error) {
	fields := strings.Split(line, "\x00")
	if len(fields) != 5 {
		return Ref{}, false, fmt.Errorf("git for-each-ref answered %q", shortened(line))
	}
	ref = Ref{Name: fields[0], ID: OID(fields[1]), Kind: fields[2], Peeled: OID(fields[3])}
	if ref.Kind != "tag" {
		ref.Peeled = ref.ID
	}
	return ref, ref.Kind == "tag" && fields[4] == "tag", nil
}

// peel follows tags of tags to their ends.
func (r *Repo) peel(ctx context.Context, refs []Ref, nested []int) error {
	if len(nested) == 0 {
		return nil
	}
	rd := r.Reader(ctx)
	defer func() { _ = rd.Close() }()
	for _, i := range nested {
		id, _, _, found, err := rd.Info(string(refs[i].ID) + "^{}")
		if err != nil {
			return err
		}
		if found {
			refs[i].Peeled = id
		}
	}
	return nil
}

// Bounds on the name of a ref and on a part of it: what file systems take, with
// the ending of the lock file.
const (
	maxRef     = 1000
	maxRefPart = 250
)

// CheckRef returns [sluice.Invalid] unless a text can be the full name of a ref:
// it begins with refs/ and keeps to the rules of `git check-ref-format`.
func CheckRef(name string) error {
	rest, ok := strings.CutPrefix(name, "refs/")
	bad := !ok || len(name) > maxRef || strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, ".") ||
		strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\`, c) })
	for part := range strings.SplitSeq(rest, "/") {
		bad = bad || part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") || len(part) > maxRefPart
	}
	if bad {
		return sluice.Errorf(sluice.Invalid, "%q cannot be the name of a ref in Git", shortened(name)).
			Fix("use letters, digits, hyphens and single dots in names; see `git help check-ref-format`")
	}
	return nil
}

// ShortRef is a ref as people name it: a tag or a branch without where it stands.
func ShortRef(ref string) string {
	for _, prefix := range []string{"refs/tags/", "refs/heads/"} {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			return short
		}
	}
	return ref
}
