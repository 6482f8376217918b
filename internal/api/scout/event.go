package scout

import (
	"encoding/json"
	"fmt"

	"github.com/sluice-dev/sluice"
)

// The names of events, as Scout has them.
const (
	eventRunStarted     = "workflow_run_started"
	eventRunCompleted   = stopCompleted
	eventRunFailed      = stopFailed
	eventRunPaused      = stopPaused // which Scout does not have
	eventBlockStarted   = "block_run_started"
	eventBlockUpdated   = "block_state_updated"
	eventBlockCompleted = "block_run_completed"
	eventBlockFailed    = "block_run_failed"
	eventInterrupted    = "stream_interrupted" // which Scout does not have
)

// eventVersion is that of the form of events.
const eventVersion = "1.0.0"

// envelope is what each event is in.
type envelope struct {
	Organization string      `json:"organization_id"`
	ID           string      `json:"id"`
	Correlation  string      `json:"correlation_id"`
	Name         string      `json:"name"`
	EventType    string      `json:"event_type"` // the name again, where older clients look for it
	Environment  string      `json:"environment"`
	Timestamp    sluice.Time `json:"timestamp"`
	Data         eventData   `json:"data"`
	Price        float64     `json:"price"`
	Version      string      `json:"version"`
}

// eventData is what events tell; each fills in what is its own.
type eventData map[string]any

// teller turns the changes of a run into Scout's events: a block starts once and
// ends once, however often it was tried.
type teller struct {
	run     running
	org     string
	now     func() sluice.Time
	emit    func(envelope) error
	sent    int
	wrote   author
	started map[string]bool // by path
	ended   map[string]bool
}

// begin tells that the run has started, with what it was given.
func (t *teller) begin() error {
	return t.tell(eventRunStarted, eventData{
		"actor": map[string]string{"id": t.run.Actor, "type": "external"}, "inputs": orObject(t.run.Input),
		"state": eventData{}, "price": 0, "workflow_config": orObject(t.wrote.config), "revision_id": t.run.revision(), "release": t.run.Release, "warnings": sluice.WarningTexts(t.run.Warnings, speech),
	}, 0)
}

// event tells one change. It reports whether the run has stopped.
func (t *teller) event(e sluice.RunEvent) (stop bool, err error) {
	switch {
	case e.Partial != nil:
		return false, t.partial(*e.Partial)
	case e.Step != nil:
		return false, t.step(*e.Step)
	case e.Run != nil && stopped(e.Run.Status):
		return true, t.end(*e.Run)
	}
	return false, nil
}

// partial tells a piece of an output, which is to be appended.
func (t *teller) partial(p sluice.Partial) error {
	if t.ended[p.Path] {
		return nil
	}
	if err := t.start(sluice.RunStep{Path: p.Path, Block: p.Block}); err != nil {
		return err
	}
	return t.block(eventBlockUpdated, sluice.RunStep{Path: p.Path, Block: p.Block}, eventData{
		"update_type": "partial", "update_data": eventData{"output": p.Text},
	})
}

// start tells that a block has begun, the first time.
func (t *teller) start(s sluice.RunStep) error {
	if t.started[s.Path] {
		return nil
	}
	t.started[s.Path] = true
	return t.block(eventBlockStarted, s, eventData{"metadata": eventData{}, "state": eventData{}})
}

func (t *teller) step(s sluice.RunStep) error {
	if s.Status == sluice.StepSkipped || t.ended[s.Path] {
		return nil
	}
	if err := t.start(s); err != nil || !s.Status.Ended() {
		return err
	}
	t.ended[s.Path] = true
	data := eventData{"metadata": metadataOf(s), "cost": s.Usage.Cost, "price": s.Usage.Cost}
	if s.Status != sluice.StepCompleted {
		data["state"], data["message"] = eventData{}, string(s.Status)
		if s.Error != nil {
			data["message"] = because(*s.Error)
		}
		return t.block(eventBlockFailed, s, data)
	}
	if len(s.Warnings) > 0 {
		data["warnings"] = sluice.WarningTexts(s.Warnings, speech)
	}
	state := eventData{"output": s.Output}
	if err := t.block(eventBlockUpdated, s, eventData{"update_type": "complete", "update_data": state}); err != nil {
		return err
	}
	data["state"] = state
	return t.block(eventBlockCompleted, s, data)
}

// end tells how the run stopped.
func (t *teller) end(r sluice.Run) error {
	t.run.Run = r
	data := eventData{"output": r.Output, "output_block_id": r.OutputBlock, "status": r.Status, "workflow_config": orObject(t.wrote.config)}
	if len(r.Warnings) > 0 {
		data["warnings"] = sluice.WarningTexts(r.Warnings, speech)
	}
	name := stopReason(r.Status)
	if name != eventRunCompleted {
		data["message"] = string(r.Status)
		if errs := errorsOf(r); len(errs) > 0 {
			data["message"] = errs[0]
		}
	}
	if name == eventRunPaused {
		data["waiting"] = r.Waiting
	}
	return t.tell(name, data, r.Usage.Cost)
}

// interrupt tells that the stream ends before the run.
func (t *teller) interrupt(why string) error {
	return t.tell(eventInterrupted, eventData{"message": why}, 0)
}

// block tells an event of one block: as its author wrote it, and with the settings that
// it ran with.
func (t *teller) block(name string, s sluice.RunStep, data eventData) error {
	wrote := t.wrote.block(s)
	data["block_archetype_id"], data["block_display_name"] = wrote.Archetype, wrote.DisplayName
	if name != eventBlockUpdated {
		data["config"], data["block_inputs"] = wrote.whole, orObject(s.Settings)
	}
	data["block_id"], data["block_type"], data["step_path"] = s.Block, s.Kind, s.Path
	return t.tell(name, data, s.Usage.Cost)
}

func (t *teller) tell(name string, data eventData, price float64) error {
	data["workflow_id"], data["workflow_run_id"], data["session_id"] = t.run.workflow, t.run.ID, t.run.session()
	t.sent++
	return t.emit(envelope{
		Organization: t.org, ID: fmt.Sprintf("%s-%d", t.run.ID, t.sent), Correlation: t.run.ID, Name: name, EventType: name,
		Environment: t.run.Environment, Timestamp: t.now(), Data: data, Price: price, Version: eventVersion,
	})
}

// orObject is JSON, or an object without fields where there is none.
func orObject(raw json.RawMessage) json.RawMessage {
	if object(raw) {
		return raw
	}
	return json.RawMessage("{}")
}
