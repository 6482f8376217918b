package scout

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
)

// A revision's name is any text to Scout, and a word to Sluice. Where the text is no
// word, it is kept as the first line of the note, and the word is made of it.

// words are the words that a name may have as that of a revision, the best first: the
// name itself where it is of the letters of words, or what is made of those of its
// letters and of the revision's number, since several names may come to one.
func words(name string, number int) []string {
	if sluice.CheckName("version name", name) == nil {
		return []string{name}
	}
	numbered := "revision-" + strconv.Itoa(number)
	word := keyOf(name)
	if sluice.CheckWord("version name", word) != nil {
		return []string{numbered}
	}
	return []string{word, word + "-" + strconv.Itoa(number), numbered}
}

// nameOf is what a revision was called, and what was said of it besides.
func nameOf(v sluice.Version) (name, description string) {
	first, rest, _ := strings.Cut(v.Note, "\n")
	if v.Name != "" && first != "" && sluice.CheckName("version name", first) != nil {
		for _, word := range words(first, v.Number) {
			if word == v.Name {
				return first, rest
			}
		}
	}
	return v.Name, v.Note
}

// rename gives a revision a name that no other has.
func (a *Adapter) rename(ctx context.Context, v sluice.Version, name string, description *string, ch sluice.Change) (sluice.Version, error) {
	req := sluice.EditVersionRequest{Component: v.Component, Version: strconv.Itoa(v.Number), Name: &name, Note: description, Untaken: true, Change: ch}
	choice := words(name, v.Number)
	if name == "" || choice[0] == name {
		return a.Services.EditVersion(ctx, req)
	}
	if strings.ContainsAny(name, "\r\n") || !strings.ContainsFunc(name, legible) {
		return v, wrong("write a name in one line", []any{"body", "name"}, "the name has no letter and no digit, or has several lines")
	}
	if err := a.nameFree(ctx, v, name); err != nil {
		return v, err
	}
	_, note := nameOf(v)
	if description != nil {
		note = *description
	}
	note = strings.TrimSuffix(name+"\n"+note, "\n")
	req.Note = &note
	var err error
	for _, word := range choice {
		req.Name = &word
		if v, err = a.Services.EditVersion(ctx, req); sluice.CodeOf(err) != sluice.Conflict {
			break
		}
	}
	return v, err
}

func legible(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }

// nameFree refuses a name that another revision has.
func (a *Adapter) nameFree(ctx context.Context, v sluice.Version, name string) error {
	ask := sluice.VersionQuery{Component: v.Component, Paging: sluice.Paging{Limit: sluice.MaxPage}}
	for {
		found, err := a.Services.Versions(ctx, ask)
		if err != nil {
			return err
		}
		for _, other := range found.Items {
			if called, _ := nameOf(other); other.Number != v.Number && strings.EqualFold(called, name) {
				return sluice.Errorf(sluice.Conflict, "%s is named %s already", other.Ref(), called).Fix("choose another name")
			}
		}
		if ask.Cursor = found.Next; ask.Cursor == "" {
			return nil
		}
	}
}
