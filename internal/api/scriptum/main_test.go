package scriptum_test

import (
	"os"
	"testing"

	"github.com/sluice-dev/sluice/internal/sandbox"
)

// TestMain lets templates be evaluated in processes of this program.
func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(m.Run())
}
