package scout

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// configFile is the file of a component that holds a workflow in Scout's form.
const configFile = "workflow.json"

// filesKey is what stands in a config in the place of blocks when the workflow
// was published in another form.
const filesKey = "sluice_files"

// config is what of a workflow's config Sluice keeps elsewhere too. The rest is
// content.
type config struct {
	DisplayName string   `json:"workflow_display_name"`
	Description string   `json:"workflow_description"`
	Tags        []string `json:"tags"`

	Wrapped json.RawMessage   `json:"workflow_config"`
	Files   []json.RawMessage `json:"sluice_files"`
	file    sluice.File
}

// readConfig reads a workflow's config and makes the file that it is kept in:
// the same JSON, one value a line, so that versions can be compared.
func readConfig(raw []byte, where ...any) (config, error) {
	var c config
	if !object(raw) {
		return c, wrong("send the config as a JSON object", where, "it should be an object")
	}
	if err := unmarshal(raw, &c); err != nil {
		return c, err
	}
	switch {
	case c.Wrapped != nil:
		return c, wrong("send what is in workflow_config as the body", append(where, "workflow_config"), "the config is wrapped in another object")
	case c.Files != nil:
		publish := sluice.Do(sluice.PublishVersion(""), "")
		return c, wrong(said(&publish), append(where, filesKey), "this workflow is not kept in Scout's form")
	case len(raw) > sluice.MaxFileBytes:
		return c, sluice.Errorf(sluice.LimitExceeded, "the config is %d bytes; the limit is %d", len(raw), sluice.MaxFileBytes).
			Fix("keep large data elsewhere and refer to it")
	}
	text := raw
	if spread(raw) < sluice.MaxFileBytes {
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return c, err
		}
		b.WriteByte('\n')
		text = b.Bytes()
	}
	c.file = sluice.NewFile(configFile, text)
	return c, nil
}

// spread is at most how many bytes JSON takes with one value a line.
func spread(raw []byte) int {
	deepest, _ := depth(raw)
	lines := bytes.Count(raw, []byte(",")) + 2*bytes.Count(raw, []byte("{")) + 2*bytes.Count(raw, []byte("[")) + bytes.Count(raw, []byte(":"))
	return len(raw) + lines*(2*deepest+1) + 1
}

// configOf is the config of a version: its JSON, also where that is wrapped as
// Scout's command line has it, else its files.
func (a *Adapter) configOf(ctx context.Context, v sluice.Version) (json.RawMessage, error) {
	if v.Purged {
		return json.RawMessage("{}"), nil
	}
	if v.Files == nil { // as in a list
		var err error
		if v, err = a.Services.Version(ctx, v.Component, strconv.Itoa(v.Number)); err != nil {
			return nil, err
		}
	}
	var files []sluice.File
	for _, info := range v.Files {
		f, err := a.Services.File(ctx, v.Component, strconv.Itoa(v.Number), info.Path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if raw, ok := scoutConfig(files); ok {
		return raw, nil
	}
	return json.Marshal(map[string]any{"workflow_display_name": v.Component, filesKey: files})
}

// scoutConfig is the config that files hold, where they hold one in Scout's form.
func scoutConfig(files []sluice.File) (json.RawMessage, bool) {
	for _, f := range files {
		if f.Path == configFile || len(files) == 1 && path.Ext(f.Path) == ".json" {
			if raw := unwrapped(f.Bytes()); raw != nil {
				return raw, true
			}
		}
	}
	return nil, false
}

// unwrapped is the config that a file holds, nil when it holds none.
func unwrapped(b []byte) json.RawMessage {
	var c config
	if deep, _ := depth(b); deep > maxDepth || !object(b) || json.Unmarshal(b, &c) != nil {
		return nil
	}
	if c.Wrapped != nil {
		b = c.Wrapped
	}
	if !object(b) {
		return nil
	}
	return b
}

// keyOf derives a component's name from what people call a workflow: lower-case
// letters and digits with hyphens between.
func keyOf(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 100 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
