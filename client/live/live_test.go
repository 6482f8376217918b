package live_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client/live"
)

func TestResolve(t *testing.T) {
	s := newStage()
	s.deploy("bot", settled(3))
	s.deploy("hidden", sluice.Value{None: true})
	s.deploy("trial", split(t, 1, 2))
	c := open(t, config(t, s))
	wantVersion(t, c, "bot", 3)
	for _, name := range []string{"hidden", "nothing"} {
		if got, ok := c.Resolve(name, ""); ok {
			t.Errorf("%s is %s, want nothing", name, got)
		}
	}
	seen := map[int]int{}
	for i := range 1000 {
		key := strconv.Itoa(i)
		first, _ := c.Resolve("trial", key)
		again, _ := c.Resolve("trial", key)
		if first != again {
			t.Fatalf("key %s got %s, then %s", key, first, again)
		}
		seen[first.Version]++
	}
	if len(seen) != 2 || seen[1] < 400 || seen[2] < 400 {
		t.Fatalf("halves got %v of 1000 keys", seen)
	}
}

func TestResolveAllocatesNothing(t *testing.T) {
	s := newStage()
	s.deploy("bot", settled(3))
	s.deploy("trial", split(t, 1, 2))
	c := open(t, config(t, s))
	for _, component := range []string{"bot", "trial", "nothing"} {
		if n := testing.AllocsPerRun(100, func() { c.Resolve(component, "customer-1234") }); n != 0 {
			t.Errorf("resolving %s allocates %v times", component, n)
		}
	}
}

func TestFollow(t *testing.T) {
	t.Run("applies each release and says so", func(t *testing.T) {
		s := newStage()
		c := open(t, config(t, s))
		for n := range 20 {
			changed := c.Changed()
			s.deploy("bot", settled(n+1))
			<-changed
			wantVersion(t, c, "bot", n+1)
		}
		if c.Stale() || time.Since(c.Since()) > time.Minute {
			t.Fatalf("stale %v since %s", c.Stale(), c.Since())
		}
	})
	for name, edit := range map[string]func(*sluice.Release){
		"a release with another root": func(r *sluice.Release) { r.Root = sluice.RootHash(nil) },
		"a release that is too new":   func(r *sluice.Release) { r.Number += 2 },
		"a release that lost a slot":  func(r *sluice.Release) { r.Changes = nil },
	} {
		t.Run(name+" makes it ask for a snapshot", func(t *testing.T) {
			s := newStage()
			s.deploy("bot", settled(1))
			c := open(t, config(t, s))
			changed := c.Changed()
			s.deploy("bot", settled(2), edit)
			<-changed
			wantVersion(t, c, "bot", 2)
		})
	}
	t.Run("a heartbeat tells that something was missed", func(t *testing.T) {
		s := newStage()
		s.deploy("bot", settled(1))
		c := open(t, config(t, s))
		changed := c.Changed()
		s.mu.Lock()
		streams := s.streams
		s.streams = nil
		s.mu.Unlock()
		s.deploy("bot", settled(2))
		s.mu.Lock()
		s.streams = streams
		s.tell(s.heartbeat())
		s.mu.Unlock()
		<-changed
		wantVersion(t, c, "bot", 2)
	})
	t.Run("roots reckoned in another way do not keep it from what is live", func(t *testing.T) {
		s := newStage()
		s.manifest.Root = "sha256:of-another-format"
		c := open(t, config(t, s))
		changed := c.Changed()
		s.deploy("bot", settled(1), func(r *sluice.Release) { r.Root = "sha256:of-another-format" })
		<-changed
		wantVersion(t, c, "bot", 1)
		if n := len(s.watches()); n != 1 {
			t.Fatalf("asked %d times", n)
		}
	})
}

func TestServerAway(t *testing.T) {
	t.Run("recovers by itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			c := open(t, config(t, s))
			s.leave(true)
			time.Sleep(time.Minute)
			if !c.Stale() || time.Since(c.Since()) < 59*time.Second {
				t.Fatalf("stale %v since %s", c.Stale(), c.Since())
			}
			if n := len(s.watches()); n > 30 {
				t.Fatalf("asked %d times in a minute", n)
			}
			s.deploy("bot", settled(1))
			s.leave(false)
			time.Sleep(time.Minute)
			if c.Stale() {
				t.Fatal("still stale")
			}
			wantVersion(t, c, "bot", 1)
			_ = c.Close()
		})
	})
	t.Run("silence counts as lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			c := open(t, config(t, s))
			time.Sleep(46 * time.Second)
			if n := len(s.watches()); n != 2 || c.Stale() {
				t.Fatalf("asked %d times, stale %v", n, c.Stale())
			}
			_ = c.Close()
		})
	})
	t.Run("without a copy the start fails as the server does", func(t *testing.T) {
		s := newStage()
		s.leave(true)
		if _, err := live.Open(t.Context(), config(t, s)); sluice.CodeOf(err) != sluice.Unavailable {
			t.Fatalf("got %v, want unavailable", err)
		}
	})
	t.Run("a copy is where it starts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			s.deploy("bot", settled(1))
			cfg := config(t, s)
			_ = open(t, cfg).Close()
			s.leave(true)
			c := open(t, cfg)
			wantVersion(t, c, "bot", 1)
			if !c.Stale() || c.Since().IsZero() {
				t.Fatalf("stale %v since %s", c.Stale(), c.Since())
			}
			s.leave(false)
			time.Sleep(time.Second)
			if got := s.watches(); c.Stale() || !slices.Equal(got[len(got)-1:], []string{"ledger-1-1"}) {
				t.Fatalf("stale %v, asked for what came after %q", c.Stale(), got)
			}
			_ = c.Close()
		})
	})
}

func TestCopy(t *testing.T) {
	written := func(t *testing.T) (live.Config, *stage) {
		s := newStage()
		s.deploy("bot", settled(1))
		cfg := config(t, s)
		_ = open(t, cfg).Close()
		return cfg, s
	}
	t.Run("is for its owner alone, and nothing else is left behind", func(t *testing.T) {
		cfg, _ := written(t)
		info, err := os.Stat(cfg.File)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info.Mode(), err)
		}
		if all, _ := os.ReadDir(filepath.Dir(cfg.File)); len(all) != 1 {
			t.Fatalf("found %v", all)
		}
	})
	t.Run("is written once for a burst, and holds its end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			cfg := config(t, s)
			c := open(t, cfg)
			for n := range 100 {
				s.deploy("bot", settled(n+1))
			}
			synctest.Wait()
			if _, err := os.Stat(cfg.File); err == nil {
				t.Fatal("written before the burst was over")
			}
			time.Sleep(time.Second)
			if content, _ := os.ReadFile(cfg.File); !bytes.Contains(content, []byte(`"release":100,`)) {
				t.Fatalf("the copy is %s", content)
			}
			_ = c.Close()
		})
	})
	for name, harm := range map[string]func([]byte) []byte{
		"cut short":  func(b []byte) []byte { return b[:len(b)/2] },
		"empty":      func([]byte) []byte { return nil },
		"a bit flip": func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
		"no head":    func(b []byte) []byte { return b[20:] },
	} {
		t.Run(name+" is ignored", func(t *testing.T) {
			cfg, s := written(t)
			content, err := os.ReadFile(cfg.File)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(cfg.File, harm(content), 0o600); err != nil {
				t.Fatal(err)
			}
			s.leave(true)
			if _, err := live.Open(t.Context(), cfg); sluice.CodeOf(err) != sluice.Unavailable {
				t.Fatalf("got %v, want unavailable", err)
			}
		})
	}
	t.Run("of another environment is ignored", func(t *testing.T) {
		cfg, s := written(t)
		cfg.Environment = "staging"
		s.leave(true)
		if _, err := live.Open(t.Context(), cfg); sluice.CodeOf(err) != sluice.Unavailable {
			t.Fatalf("got %v, want unavailable", err)
		}
	})
}

func TestContent(t *testing.T) {
	s := newStage()
	s.files[1] = sluice.NewFile("prompt.md", []byte("Be kind."))
	_, digest, err := sluice.CheckFiles([]sluice.File{s.files[1]})
	if err != nil {
		t.Fatal(err)
	}
	s.deploy("bot", sluice.Settle(sluice.Pin{Version: 1, Digest: digest}))
	s.deploy("odd", settled(1))
	cfg := config(t, s)
	cfg.File = "" // so that nobody else fetches
	c := open(t, cfg)
	for range 2 {
		files, pin, err := c.Content(t.Context(), "bot", "")
		if err != nil || pin.Version != 1 || len(files) != 1 || files[0].Text != "Be kind." {
			t.Fatalf("got %v, %v, %v", files, pin, err)
		}
	}
	if s.fetched != 1 {
		t.Fatalf("fetched %d times", s.fetched)
	}
	if _, _, err := c.Content(t.Context(), "odd", ""); sluice.CodeOf(err) != sluice.Internal {
		t.Fatalf("content with another digest: %v", err)
	}
	if _, _, err := c.Content(t.Context(), "nothing", ""); sluice.CodeOf(err) != sluice.NotFound {
		t.Fatalf("got %v, want not found", err)
	}
}

func BenchmarkResolve(b *testing.B) {
	s := newStage()
	for i := range 1000 {
		s.deploy("component-"+strconv.Itoa(i), settled(i+1))
	}
	s.deploy("trial", split(b, 1, 2))
	c := open(b, config(b, s))
	for name, component := range map[string]string{"settled": "component-500", "split": "trial"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Resolve(component, "customer-1234")
			}
		})
	}
}
