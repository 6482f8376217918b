package cli

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestEitherResolvesTimesAlone(t *testing.T) {
	e, _, _ := printing("")
	for in, want := range map[string]string{
		"production":            "production",
		"production#42":         "production#42",
		"production@2h ago":     "production@2024-11-12T13:00:00.000000Z",
		"production@yesterday":  "production@2024-11-11T23:59:59.999999Z",
		"production@2024-11-08": "production@2024-11-08T23:59:59.999999Z",
		"my-prompt@4":           "my-prompt@4",
		"my-prompt@v1.0.0":      "my-prompt@v1.0.0",
		"my-prompt@latest":      "my-prompt@latest",
		"my-prompt@prod":        "my-prompt@prod",
		"my-prompt@name:today":  "my-prompt@name:today",
	} {
		if got := e.either(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestPagesFollowCursors(t *testing.T) {
	source := func(_ context.Context, p sluice.Paging) (sluice.Page[int], error) {
		at := 0
		fmt.Sscan(p.Cursor, &at)
		page := sluice.Page[int]{}
		for ; at < 2500 && len(page.Items) < p.Limit; at++ {
			page.Items = append(page.Items, at)
		}
		if at < 2500 {
			page.Next = fmt.Sprint(at)
		}
		return page, nil
	}
	for enough, want := range map[int]int{0: 2500, 1: 1, 1000: 1000, 1001: 1001, 9999: 2500} {
		got, err := pages(context.Background(), enough, source)
		if err != nil || len(got) != want {
			t.Errorf("enough %d: got %d items, %v; want %d", enough, len(got), err, want)
		}
	}
	if _, err := pages(context.Background(), -1, source); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("a negative limit: got %v", err)
	}
}
