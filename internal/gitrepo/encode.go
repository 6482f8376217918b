package gitrepo

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Commit is one commit. Its encoding is a function of its fields alone, except
// for ID and Signed, so that writing it twice gives the same id.
type Commit struct {
	ID        OID // of what was parsed; Encode leaves it out
	Tree      OID
	Parents   []OID
	Author    Signature
	Committer Signature
	Message   string // as it stands, mostly with a newline at its end
	Signed    bool   // says of what was parsed that it holds a signature, which nobody has checked
}

// Encode returns the content of the commit as an object, without a signature.
func (c Commit) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, parent := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.Author, c.Committer, withoutNull(c.Message))
	return b.Bytes()
}

// ParseCommit reads the content of a commit. Its text is made valid UTF-8 and
// free of NUL; signatures and headers that Sluice has no use for are left out.
// An error says that it is no commit.
func ParseCommit(id OID, raw []byte) (Commit, error) {
	c := Commit{ID: id}
	rest, err := eachHeader(raw, func(key, value string) error {
		switch key {
		case "tree":
			return setID(&c.Tree, value)
		case "parent":
			var parent OID
			err := setID(&parent, value)
			c.Parents = append(c.Parents, parent)
			return err
		case "author":
			c.Author = parseSignature(value)
		case "committer":
			c.Committer = parseSignature(value)
		case "gpgsig", "gpgsig-sha256":
			c.Signed = true
		}
		return nil
	})
	if err == nil && c.Tree == "" {
		err = fmt.Errorf("no tree")
	}
	if err != nil {
		return Commit{}, malformed("commit", id, err)
	}
	c.Message = text(rest)
	return c, nil
}

// Tag is one annotated tag.
type Tag struct {
	ID      OID // of what was parsed; Encode leaves it out
	Object  OID
	Kind    string // of the object: "commit", mostly
	Name    string // what follows refs/tags/
	Tagger  Signature
	Message string // without the signature; mostly with a newline at its end
	Signed  bool   // says of what was parsed that it holds a signature, which nobody has checked
}

// Encode returns the content of the tag as an object, without a signature.
func (t Tag) Encode() []byte {
	return fmt.Appendf(nil, "object %s\ntype %s\ntag %s\ntagger %s\n\n%s", t.Object, t.Kind, oneLineText(t.Name), t.Tagger, withoutNull(t.Message))
}

// ParseTag reads the content of a tag object, as [ParseCommit] does that of a
// commit. Very old tags have no tagger.
func ParseTag(id OID, raw []byte) (Tag, error) {
	t := Tag{ID: id}
	rest, err := eachHeader(raw, func(key, value string) error {
		switch key {
		case "object":
			return setID(&t.Object, value)
		case "type":
			t.Kind = value
		case "tag":
			t.Name = text([]byte(value))
		case "tagger":
			t.Tagger = parseSignature(value)
		case "gpgsig", "gpgsig-sha256":
			t.Signed = true
		}
		return nil
	})
	switch {
	case err != nil:
	case t.Object == "":
		err = fmt.Errorf("no object")
	case t.Kind != "commit" && t.Kind != "tree" && t.Kind != "blob" && t.Kind != "tag":
		err = fmt.Errorf("a type that Git does not have")
	}
	if err != nil {
		return Tag{}, malformed("tag", id, err)
	}
	message, signature := cutSignature(rest)
	t.Message, t.Signed = text(message), t.Signed || len(signature) > 0
	return t, nil
}

// signatureLines are what the signature at the end of a tag begins with.
var signatureLines = []string{"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----", "-----BEGIN SIGNED MESSAGE-----", "-----BEGIN SSH SIGNATURE-----"}

// cutSignature divides a tag's text where Git does: at the last line that begins
// like a signature.
func cutSignature(raw []byte) (message, signature []byte) {
	at := len(raw)
	for start := 0; start < len(raw); {
		for _, line := range signatureLines {
			if bytes.HasPrefix(raw[start:], []byte(line)) {
				at = start
			}
		}
		end := bytes.IndexByte(raw[start:], '\n')
		if end < 0 {
			break
		}
		start += end + 1
	}
	return raw[:at], raw[at:]
}

// eachHeader hands over the lines before the first empty one, as a key and a
// value without continuation lines, and returns what follows. The first value of
// a key other than "parent" counts.
func eachHeader(raw []byte, header func(key, value string) error) (rest []byte, err error) {
	seen := map[string]bool{}
	for len(raw) > 0 {
		line, after, _ := bytes.Cut(raw, []byte("\n"))
		if len(line) == 0 {
			return after, nil
		}
		raw = after
		if line[0] == ' ' {
			continue // more of a value that is several lines long
		}
		key, value, ok := strings.Cut(string(line), " ")
		if !ok {
			return nil, fmt.Errorf("a header without a value")
		}
		if seen[key] && key != "parent" {
			continue
		}
		seen[key] = true
		if err := header(key, value); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// setID reads an id in a header.
func setID(id *OID, value string) error {
	if !isHex(value) || len(value) != 40 && len(value) != 64 {
		return fmt.Errorf("an id that is none")
	}
	*id = OID(value)
	return nil
}

func malformed(kind string, id OID, cause error) error {
	return sluice.Errorf(sluice.Invalid, "the object %s is not a %s that can be read: %v", id.Short(), kind, cause).
		Fix("see what `git fsck` says")
}

// text makes bytes of a repository text that can be stored and shown anywhere.
func text(raw []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(raw), "\uFFFD"), "\x00", "\uFFFD")
}

// withoutNull leaves out what ends a message for Git.
func withoutNull(message string) string { return strings.ReplaceAll(message, "\x00", "") }
