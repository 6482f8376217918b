package api

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// writeDocument makes the OpenAPI document of all operations.
func (h *handler) writeDocument() ([]byte, error) {
	a := newRegistry(&adapter{})
	for _, op := range h.operations {
		op.register(a, op.Operation)
	}
	doc := a.OpenAPI()
	doc.Info = &huma.Info{Title: "Sluice", Version: "v1"}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, b, "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}
