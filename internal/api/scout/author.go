package scout

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// author is a workflow as its author wrote it in Scout's form: what runs is told by
// the names that stand there. In another form all of it is empty.
type author struct {
	config json.RawMessage
	name   string
	blocks map[string]authored
}

// authored is one block as its author wrote it.
type authored struct {
	Archetype   string `json:"block_archetype_id"`
	ID          string `json:"block_id"`
	DisplayName string `json:"block_display_name"`
	whole       json.RawMessage
}

// authorOf reads a config.
func authorOf(raw json.RawMessage) author {
	var c struct {
		DisplayName string            `json:"workflow_display_name"`
		Blocks      []json.RawMessage `json:"blocks"`
	}
	_ = json.Unmarshal(raw, &c) // what is not read has no names
	out := author{config: raw, name: c.DisplayName, blocks: make(map[string]authored, len(c.Blocks))}
	for _, whole := range c.Blocks {
		b := authored{whole: whole}
		if json.Unmarshal(whole, &b) == nil {
			out.blocks[b.ID] = b
		}
	}
	return out
}

// block is what an author wrote of the block of a step. Steps of a nested workflow are
// of another author's, and have the kind of their block for an archetype.
func (a author) block(s sluice.RunStep) authored {
	b := a.blocks[s.Block]
	if b.ID == "" || strings.Contains(s.Path, ".") {
		b = authored{ID: s.Block, whole: json.RawMessage("{}")}
	}
	if b.Archetype == "" {
		b.Archetype = s.Kind
	}
	if b.DisplayName == "" {
		b.DisplayName = s.Block
	}
	return b
}

// authorOfRun is what the author of a run's version wrote. What was never published is
// known to the request that runs it alone.
func (a *Adapter) authorOfRun(ctx context.Context, r sluice.Run) author {
	if r.Version == 0 {
		return author{}
	}
	v, err := a.Services.Version(ctx, r.Component, strconv.Itoa(r.Version))
	if err != nil {
		return author{}
	}
	raw, err := a.configOf(ctx, v)
	if err != nil {
		return author{}
	}
	return authorOf(raw)
}

// authors reads what runs ran, which for those that follow one another is mostly the
// same version. One is held at a time.
type authors struct {
	adapter *Adapter
	version int
	last    author
}

func (a *authors) of(ctx context.Context, r sluice.Run) author {
	if r.Version != a.version {
		a.version, a.last = r.Version, a.adapter.authorOfRun(ctx, r)
	}
	return a.last
}
