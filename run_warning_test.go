package sluice

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

func TestWarningsOfARunAreBounded(t *testing.T) {
	t.Parallel()
	var steps []RunWarning
	for i := range 3 * MaxRunWarnings {
		steps = append(steps, RunWarning{Code: WarnAnswerCut, Message: "cut", Step: fmt.Sprint(3*MaxRunWarnings - i), Block: "ask"})
	}
	own := []RunWarning{{Code: WarnNotConfigured, Message: "no configuration was loaded"}}
	got := Warned(own, steps)
	for range 2 { // as when a turn is carried out again
		got = Warned(got, steps)
	}
	if len(got) != MaxRunWarnings+1 || got[0] != own[0] || got[1].Step != "1" || got[MaxRunWarnings].Code != WarnMore {
		t.Errorf("got %d warnings, %v, want the run's own, those of the first steps, and that there are more", len(got), got)
	}
	if got := Warned(nil, []RunWarning{steps[0], steps[0]}); len(got) != 1 {
		t.Errorf("got %v, want the same warning once", got)
	}
}

func TestWarningsOfEarlierRecordsAreRead(t *testing.T) {
	t.Parallel()
	var got []RunWarning
	err := json.Unmarshal([]byte(`["no configuration was loaded", {"code": "answer_cut", "message": "cut", "step": "0", "block": "ask"}]`), &got)
	want := []string{"no configuration was loaded", "ask (step 0): cut"}
	if err != nil || !slices.Equal(WarningTexts(got, PlainWords), want) || got[0].Code != WarnNotConfigured || got[1].Code != WarnAnswerCut {
		t.Errorf("got %+v, %v, want %q with codes", got, err, want)
	}
}
