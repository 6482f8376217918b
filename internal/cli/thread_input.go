package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// readInput reads the input of a run: a JSON object, @FILE, or @- for standard
// input.
func (e *env) readInput(cmd *cobra.Command, text string) (json.RawMessage, error) {
	raw, from, err := e.readJSON(cmd, "input", text)
	if err != nil {
		return nil, err
	}
	return raw, checkObject(raw, from)
}

func checkObject(raw json.RawMessage, from string) error {
	if is := jsonType(raw); is != "an object" {
		return sluice.Errorf(sluice.Invalid, "%s is %s, and the input of a run is an object", from, is).
			Fix(`write {"NAME": …}, with the names that the component's inputs have`)
	}
	return nil
}

// readJSON reads what a flag holds as JSON, and says where it was.
func (e *env) readJSON(cmd *cobra.Command, flag, text string) (raw json.RawMessage, from string, err error) {
	from = "--" + flag
	if name, ok := strings.CutPrefix(text, "@"); ok {
		text, err = e.readNamedFile(cmd.Context(), name, sluice.MaxInputBytes, func(why error) error {
			return sluice.Errorf(sluice.NotFound, "%s: the file %s cannot be read: %w", nameOf(cmd), name, why).Fix("correct --%s @FILE", flag)
		})
		if err != nil {
			return nil, "", err
		}
		if from = name; name == "-" {
			from = "standard input"
		}
	}
	raw = bytes.TrimSpace(bytes.TrimPrefix([]byte(text), []byte("\ufeff")))
	if err := checkJSON([]byte(text), from); err != nil {
		known := sluice.AsError(err)
		if _, there := os.Stat(e.path(text)); from == "--"+flag && text != "" && there == nil {
			known = known.Fix("to read the file, write --%s @%s", flag, text)
		}
		return nil, "", known
	}
	return raw, from, nil
}

// checkJSON says at which line and column a text stops being JSON.
func checkJSON(text []byte, from string) error {
	body := bytes.TrimPrefix(text, []byte("\ufeff"))
	if err := sluice.CheckJSONText(from, body); err != nil {
		return err
	}
	var discard json.RawMessage
	err := json.Unmarshal(body, &discard)
	if err == nil {
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return sluice.Errorf(sluice.Invalid, "%s is empty, and should be JSON", from).Fix("without any input, write {}")
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return sluice.Errorf(sluice.Invalid, "%s is not JSON: %w", from, err)
	}
	line, column := position(body, syntax.Offset)
	out := sluice.Errorf(sluice.Invalid, "%s is not JSON: line %d, column %d: %w", from, line, column, syntax)
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{'")) {
		return out.Fix(`put names and texts in double quotes: {"name": "value"}`)
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || !strings.HasPrefix(from, "--") {
		return out
	}
	return out.Fix(`quote it for the shell: '{"name": "value"}'`)
}

// position is where a byte stands, of which the reader had read so many.
func position(text []byte, read int64) (line, column int) {
	before := text[:min(max(read-1, 0), int64(len(text)))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}
