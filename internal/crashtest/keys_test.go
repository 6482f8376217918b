package crashtest

import (
	"os"
	"testing"

	"github.com/sluice-dev/sluice/internal/seal"
)

func newKey(tb testing.TB) string {
	tb.Helper()
	return must[string](tb)(seal.NewIdentity())
}

// writeKey writes a key file for its owner alone.
func writeKey(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
