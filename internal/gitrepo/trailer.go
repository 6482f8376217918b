package gitrepo

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trailer is one "Key: value" line at the end of a message. The key has letters,
// digits and hyphens; the value is any text.
type Trailer struct{ Key, Value string }

// FormatTrailers returns the lines of trailers, each with its end. Lines of a
// value after the first begin with a blank, and an empty one is " ."; a line of
// dots gets one more. What Git and its tools would not keep as it is, such as
// control characters or a blank at an end, is written as a quoted Go string. So
// [Trailers] returns any value as it was, and no value can end its paragraph or
// begin another trailer. Other characters of a key become hyphens.
func FormatTrailers(trailers []Trailer) string {
	var b strings.Builder
	for _, t := range trailers {
		b.WriteString(trailerKey(t.Key) + ": ")
		if fragile(t.Value) {
			b.WriteString(strconv.Quote(t.Value) + "\n")
			continue
		}
		for i, line := range strings.Split(t.Value, "\n") {
			switch {
			case i > 0 && strings.Trim(line, ".") == "":
				line = " ." + line
			case i > 0:
				line = " " + line
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// Trailers returns the trailers of a message: the lines of its last paragraph,
// when that is not the first one and all its lines are trailers or go on with
// one. Otherwise there are none.
func Trailers(message string) []Trailer {
	_, block := cutTrailers(strings.ReplaceAll(message, "\r\n", "\n"))
	return parseTrailers(block)
}

// cutTrailers divides a message into what stands before its trailers and the
// lines of these, which are empty when there are none.
func cutTrailers(message string) (before, block string) {
	message = strings.TrimRight(message, "\n")
	i := strings.LastIndex(message, "\n\n")
	if i < 0 || strings.TrimSpace(message[:i]) == "" {
		return message, ""
	}
	block = message[i+2:]
	if len(parseTrailers(block)) == 0 {
		return message, ""
	}
	return strings.TrimRight(message[:i], "\n"), block
}

// parseTrailers reads a paragraph; nil when a line of it is not of a trailer.
func parseTrailers(block string) []Trailer {
	if block == "" {
		return nil
	}
	var trailers []Trailer
	var value strings.Builder
	end := func() {
		if n := len(trailers); n > 0 {
			trailers[n-1].Value = unquoted(value.String())
		}
		value.Reset()
	}
	for line := range strings.SplitSeq(block, "\n") {
		if more, ok := strings.CutPrefix(line, " "); ok && len(trailers) > 0 {
			if more != "" && strings.Trim(more, ".") == "" {
				more = more[1:]
			}
			value.WriteString("\n" + more)
			continue
		}
		key, first, ok := strings.Cut(line, ":")
		if !ok || !isTrailerKey(key) {
			return nil
		}
		end()
		trailers = append(trailers, Trailer{Key: key})
		value.WriteString(strings.TrimPrefix(first, " "))
	}
	end()
	return trailers
}

// unquoted undoes the quoting of a value.
func unquoted(value string) string {
	if strings.HasPrefix(value, `"`) {
		if text, err := strconv.Unquote(value); err == nil {
			return text
		}
	}
	return value
}

var blankAtEnd = regexp.MustCompile(`[\pZ\t](\n|$)`)

// fragile reports whether a value has what would get lost on its way through
// Git, an editor or a terminal.
func fragile(value string) bool {
	first, _ := utf8.DecodeRuneInString(value)
	if value == "" || first == '"' || unicode.IsSpace(first) || value[len(value)-1] == '\n' || !utf8.ValidString(value) || blankAtEnd.MatchString(value) {
		return true
	}
	return strings.ContainsFunc(value, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' })
}

func isTrailerKey(key string) bool {
	return key != "" && strings.Trim(key, keyCharacters) == "" && key[0] != '-'
}

const keyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

// trailerKey makes a key one that [Trailers] reads.
func trailerKey(key string) string {
	key = strings.Map(func(c rune) rune {
		if strings.ContainsRune(keyCharacters, c) {
			return c
		}
		return '-'
	}, key)
	if !isTrailerKey(key) {
		key = "X" + key
	}
	return key
}
