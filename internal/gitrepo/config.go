package gitrepo

import "strings"

// parseConfig returns the settings of a configuration file's text; see
// readConfig. What it does not understand it leaves to git to complain about.
func parseConfig(text string) map[string]string {
	settings := map[string]string{}
	section := ""
	for _, line := range logicalLines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			head, rest, ok := strings.Cut(line[1:], "]")
			if !ok || strings.Contains(head, `"`) {
				section = ""
				continue
			}
			section, line = strings.ToLower(strings.TrimSpace(head)), strings.TrimSpace(rest)
		}
		if section == "" || line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, given := strings.Cut(line, "=")
		if !given {
			key, _, _ = strings.Cut(key, "#")
			key, _, _ = strings.Cut(key, ";")
			value = "true"
		}
		settings[section+"."+strings.ToLower(strings.TrimSpace(key))] = configValue(value)
	}
	return settings
}

// logicalLines splits a text into lines, with those joined that a backslash
// continues.
func logicalLines(text string) []string {
	var lines []string
	before := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if backslashes := len(line) - len(strings.TrimRight(line, `\`)); backslashes%2 == 1 {
			before += line[:len(line)-1]
			continue
		}
		lines = append(lines, before+line)
		before = ""
	}
	return append(lines, before)
}

// configValue reads the text right of the equals sign: parts in quotes, escapes,
// a comment at the end.
func configValue(text string) string {
	var value strings.Builder
	quoted := false
	text = strings.TrimSpace(text)
	kept := 0 // length without the blanks before a comment or the end
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			quoted = !quoted
			continue
		case (c == '#' || c == ';') && !quoted:
			return value.String()[:kept]
		case c == '\\' && i+1 < len(text):
			i++
			c = unescaped(text[i])
		}
		value.WriteByte(c)
		if quoted || c != ' ' && c != '\t' {
			kept = value.Len()
		}
	}
	return value.String()[:kept]
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	}
	return c
}

// isTrue reports whether a setting is on.
func isTrue(settings map[string]string, key string) bool { return truth(settings[key]) }

// truth reads a boolean as Git does.
func truth(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on":
		return true
	}
	return value != "" && strings.Trim(value, "0123456789") == "" && strings.Trim(value, "0") != ""
}
