package sandbox_test

import (
	"os"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(m.Run())
}

// pool returns a pool of the given size whose jobs have half a second.
func pool(t testing.TB, size int) *sandbox.Pool {
	t.Helper()
	p := sandbox.New(sandbox.Config{Size: size, Limits: expr.Limits{Time: 500 * time.Millisecond}})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
