package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

// role makes this test program act in another way when it is started by a test.
const role = "SANDBOX_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "never entered" {
		_, err := sandbox.New(sandbox.Config{}).Run(context.Background(), expr.Script{Code: "return 1"})
		fmt.Print(sluice.CodeOf(err))
		os.Exit(0)
	}
	sandbox.Enter()
	if os.Getenv(role) == "parent" {
		parent()
	}
	os.Exit(m.Run())
}

// parent prints the process id of a child that is busy, and stays busy.
func parent() {
	p := sandbox.New(sandbox.Config{Size: 1, Limits: expr.Limits{Time: time.Hour}})
	if _, err := p.Run(context.Background(), expr.Script{Code: "return 1"}); err != nil {
		panic(err)
	}
	fmt.Println(p.Children()[0].PID)
	_, _ = p.Run(context.Background(), expr.Script{Code: "for(;;){}"})
	os.Exit(1)
}

// pool returns a pool of the given size. Its jobs have much time, since the machine
// may be busy; what should be killed asks for less.
func pool(t testing.TB, size int) *sandbox.Pool {
	t.Helper()
	p := sandbox.New(sandbox.Config{Size: size, Limits: expr.Limits{Time: 10 * time.Second}})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
