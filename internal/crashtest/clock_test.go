package crashtest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// years is how far the clock below is ahead for a while.
const years = 6 * 365 * 24 * time.Hour

// setClock is a wall clock that a test sets.
type setClock struct{ at atomic.Int64 }

func (c *setClock) now() time.Time          { return time.UnixMicro(c.at.Load()) }
func (c *setClock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// ahead does something while the clock is years ahead, and puts it back.
func (c *setClock) ahead(do func()) {
	c.advance(years)
	do()
	c.advance(-years)
}

// clocked runs a test on each engine, in an installation with such a clock and a
// version that is live in production.
func clocked(t *testing.T, test func(*testing.T, *node, *setClock)) {
	t.Helper()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		c := &setClock{}
		c.at.Store(time.Date(2024, 11, 12, 14, 0, 0, 0, time.UTC).UnixMicro())
		cfg.Now = c.now
		n := openWorking(t, cfg)
		for i := range 4 {
			publish(t, n, "bot", i)
		}
		deploy(t, n, "bot", "1", "production")
		test(t, n, c)
	})
}

// TestTokensAfterAClockAhead: a token ends when it was said to, whatever the
// ledger's time is.
func TestTokensAfterAClockAhead(t *testing.T) {
	t.Parallel()
	clocked(t, func(t *testing.T, n *node, c *setClock) {
		token := func(in int64) sluice.Token {
			return must[sluice.Token](t)(n.CreateToken(as("alice"), sluice.CreateTokenRequest{Name: "ci", Roles: []sluice.Role{sluice.RoleDeployer}, ExpiresIn: in}))
		}
		good := func(what, secret string, want bool) {
			t.Helper()
			if err := second(n.Authenticate(t.Context(), secret)); (err == nil) != want {
				t.Errorf("%s: %v", what, err)
			}
		}
		before := token(3600)
		c.ahead(func() {
			deploy(t, n, "bot", "2", "production")
			good("an hour's, years later", before.Secret, false)
		})
		good("an hour's, at once", before.Secret, true)
		short, turned := token(60), token(0)
		rotated := must[sluice.Token](t)(n.RotateToken(as("alice"), sluice.RotateTokenRequest{ID: turned.ID, Grace: 60}))
		if end := sluice.TimeOf(c.now().Add(time.Minute)); short.ExpiresAt != end {
			t.Errorf("it expires at %s, not at %s", short.ExpiresAt, end)
		}
		c.advance(59 * time.Second)
		good("a minute's, within", short.Secret, true)
		good("a rotated one, within its grace", turned.Secret, true)
		c.advance(2 * time.Second)
		good("a minute's, after", short.Secret, false)
		good("a rotated one, after its grace", turned.Secret, false)
		good("what took its place", rotated.Secret, true)
	})
}

// TestAnswersAfterAClockAhead: an idempotency key is remembered for a day.
func TestAnswersAfterAClockAhead(t *testing.T) {
	t.Parallel()
	clocked(t, func(t *testing.T, n *node, c *setClock) {
		token := func(key, name string) error {
			return second(n.CreateToken(as("alice"), sluice.CreateTokenRequest{Name: name, Roles: []sluice.Role{sluice.RoleDeployer}, Change: sluice.Change{IdempotencyKey: key}}))
		}
		used := func(what, key string, want bool) {
			t.Helper()
			err := token(key, "another")
			if want && sluice.CodeOf(err) != sluice.Conflict || !want && err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		c.ahead(func() {
			if err := token("ahead", "ci"); err != nil {
				t.Error(err)
			}
		})
		if err := token("back", "ci"); err != nil {
			t.Error(err)
		}
		c.advance(23 * time.Hour)
		used("one of when the clock was ahead, 23 hours later", "ahead", true)
		used("one of after that, 23 hours later", "back", true)
		c.advance(2 * time.Hour)
		used("one of when the clock was ahead, 25 hours later", "ahead", false)
		used("one of after that, 25 hours later", "back", false)
	})
}

// TestRollbackGuardAfterAClockAhead: another's rollback is a reason to ask for as
// long as it says.
func TestRollbackGuardAfterAClockAhead(t *testing.T) {
	t.Parallel()
	clocked(t, func(t *testing.T, n *node, c *setClock) {
		deploy(t, n, "bot", "2", "production")
		deploy(t, n, "bot", "3", "production")
		back := func(who string, further bool) error {
			return second(n.Rollback(as(who), sluice.RollbackRequest{Environment: "production", Components: []string{"bot"}, Further: further}))
		}
		if err := back("alice", false); err != nil {
			t.Fatal(err)
		}
		if err := back("bob", false); sluice.CodeOf(err) != sluice.Conflict || !strings.Contains(err.Error(), " 0s ago") {
			t.Errorf("at once: %v", err)
		}
		c.advance(6 * time.Minute)
		if err := back("bob", false); err != nil {
			t.Errorf("six minutes later: %v", err)
		}
		// When a release was made that has the time of a clock that was ahead is not known.
		c.ahead(func() { deploy(t, n, "bot", "4", "production") })
		deploy(t, n, "bot", "2", "production")
		if err := back("alice", false); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
		if err := back("bob", false); sluice.CodeOf(err) != sluice.Conflict || !strings.Contains(err.Error(), "which is still to come by the clock") {
			t.Errorf("after a clock that was ahead: %v", err)
		}
		if err := back("bob", true); err != nil {
			t.Errorf("further: %v", err)
		}
	})
}

// TestPastAfterAClockAhead: what was live at a time is a question to the ledger,
// also for its times that are still to come by the clock.
func TestPastAfterAClockAhead(t *testing.T) {
	t.Parallel()
	clocked(t, func(t *testing.T, n *node, c *setClock) {
		live := func(at sluice.Time) string {
			t.Helper()
			m := must[sluice.Manifest](t)(n.State(as("bob"), sluice.EnvironmentRef{Name: "production", At: at}))
			return m.Slots[0].Value.Pin.String()
		}
		c.advance(time.Minute)
		var then sluice.Time
		c.ahead(func() {
			deploy(t, n, "bot", "2", "production")
			then = must[sluice.Info](t)(n.Info(as("bob"))).RecordedAt
		})
		deploy(t, n, "bot", "3", "production")
		before := live(sluice.TimeOf(c.now()))
		at := live(then)
		if now := live(0); !strings.Contains(before, "v1.0.0") || !strings.Contains(at, "v1.1.0") || !strings.Contains(now, "v1.2.0") {
			t.Errorf("before it was %s, then %s, and now it is %s", before, at, now)
		}
	})
}
