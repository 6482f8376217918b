package gitrepo

import (
	"regexp"
	"strings"
	"unicode"
)

// Message is the message of a commit or tag in its parts.
type Message struct {
	Subject  string // one line
	Body     string // paragraphs, without an empty line at either end
	Trailers []Trailer
}

// String returns the message with a newline at its end. Whatever the texts hold,
// [ParseMessage] and [Trailers] return the trailers as they are, and nothing else
// as one: the subject is made one line, control characters are left out, and
// lines of the body that Git would take for a signature are set off by a blank,
// and so is the end of a body that looks like trailers where there are none.
func (m Message) String() string {
	var b strings.Builder
	subject := oneLineText(m.Subject)
	if subject == "" {
		subject = "-" // without a first paragraph the trailers would be the subject
	}
	b.WriteString(offSignature.ReplaceAllString(subject, " $0") + "\n")
	body := offSignature.ReplaceAllString(plainText(m.Body), " $0")
	if len(m.Trailers) == 0 {
		body = offTrailers(body)
	}
	if body != "" {
		b.WriteString("\n" + body + "\n")
	}
	if len(m.Trailers) > 0 {
		b.WriteString("\n" + FormatTrailers(m.Trailers))
	}
	return b.String()
}

// ParseMessage divides a message into its parts.
func ParseMessage(message string) Message {
	before, block := cutTrailers(strings.ReplaceAll(message, "\r\n", "\n"))
	subject, body, _ := strings.Cut(strings.TrimLeft(before, "\n"), "\n")
	m := Message{Subject: strings.TrimSpace(subject), Trailers: parseTrailers(block)}
	m.Body = strings.Trim(offSignatureUndone.ReplaceAllString(body, "$1"), "\n")
	if block == "" {
		m.Body = offTrailersUndone(m.Body)
	}
	return m
}

// A line like the first of a signature, and one that was set off.
var (
	offSignature       = regexp.MustCompile(`(?m)^ *-----BEGIN `)
	offSignatureUndone = regexp.MustCompile(`(?m)^ ( *-----BEGIN )`)
)

// offTrailers sets off the last paragraph of a body that would be trailers.
func offTrailers(body string) string {
	i := strings.LastIndex(body, "\n\n") + 2
	if i < 2 {
		i = 0
	}
	if parseTrailers(strings.TrimLeft(body[i:], " ")) == nil {
		return body
	}
	return body[:i] + " " + body[i:]
}

// offTrailersUndone undoes that.
func offTrailersUndone(body string) string {
	i := strings.LastIndex(body, "\n\n") + 2
	if i < 2 {
		i = 0
	}
	last := body[i:]
	if strings.HasPrefix(last, " ") && parseTrailers(strings.TrimLeft(last, " ")) != nil {
		return body[:i] + last[1:]
	}
	return body
}

// plainText makes a text lines and paragraphs: without control characters,
// blanks at the ends of lines, and empty lines at its ends.
func plainText(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case c == '\r' || c == '\v' || c == '\f':
			return '\n'
		case unicode.IsControl(c):
			return -1
		}
		return c
	}, text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
