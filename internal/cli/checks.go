package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
)

// Bounds of what doctor calls well.
const (
	connectPatience = 10 * time.Second
	watchPatience   = 5 * time.Second     // the first event comes at once, unless something holds it back
	clockSkew       = time.Minute         // between this machine and the server
	auditAge        = 30 * 24 * time.Hour // since the ledger was last verified
)

func (d *doctor) checkProject() {
	p, err := d.e.findProject()
	switch {
	case err != nil:
		d.fail("project", err)
	case p == nil:
		d.warn("project", "`sluice init` makes one", "there is no %s in %s or above", config.ProjectFile, d.e.Dir)
	default:
		d.ok("project", "%s in %s", config.ProjectFile, p.Dir)
	}
}

// checkData looks at the data directory, where one is used.
func (d *doctor) checkData() {
	s, err := d.e.load()
	if err != nil {
		d.fail("settings", err)
		return
	}
	if s.Server != "" {
		d.ok("settings", "speaks to %s", s.Server)
		return
	}
	dir, err := d.e.dataDir()
	if err != nil {
		return // the project file's mistake, told before
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		d.fail("data", sluice.Errorf(sluice.Invalid, "%s is not a directory", dir).Fix("move it away"))
		return
	}
	if failed := probe(standing(dir)); failed != nil {
		d.fail("data", unwritable(dir, failed))
		return
	}
	if err != nil {
		way := "`sluice init` makes it; or name a server with --server"
		if begins, err := d.e.begins(); err == nil && begins {
			way = "the first command that needs it makes it; or name a server with --server"
		}
		d.warn("data", way, "there is no %s yet", dir)
		return
	}
	d.ok("data", "%s is writable", dir)
}

// standing is a directory, or the nearest above it that exists.
func standing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// probeBytes is what must have room, as a small change has.
const probeBytes = 64 << 10

// probe writes a file into a directory and takes it away again.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeBytes))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// checkConnection finds out what is asked, and as whom: whether it answers, its
// schema is known and the token is good.
func (d *doctor) checkConnection(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	c, err := d.e.connect(ctx)
	if err == nil {
		d.info, err = c.Info(ctx)
	}
	if err != nil {
		d.fail("connection", err)
		return false
	}
	d.services, d.environment = c, d.info.DefaultEnvironment
	if p, err := d.e.findProject(); err == nil && p != nil && p.DefaultEnvironment != "" {
		d.environment = p.DefaultEnvironment
	}
	d.ok("connection", "sluice %s over %s, schema %d, as %s", d.info.Version, d.info.Engine, d.info.Schema, d.info.Actor.Name)
	return true
}

func (d *doctor) checkClock() {
	behind := d.info.RecordedAt.Std().Sub(d.info.Now.Std())
	apart := d.e.Now().Sub(d.info.Now.Std()).Abs()
	switch {
	case behind > 0:
		d.warn("clock", "set the server's clock; until then new entries are recorded right after the last one",
			"the server's clock is %s behind the ledger's last entry", behind.Round(time.Millisecond))
	case apart > clockSkew:
		d.warn("clock", "set the clock of this machine or of the server: times such as \"2h ago\" are reckoned here",
			"this machine and the server are %s apart", apart.Round(time.Second))
	default:
		d.ok("clock", "agrees with the ledger")
	}
}

// checkDrafts compares each component's file with what is live.
func (d *doctor) checkDrafts(ctx context.Context) {
	p, err := d.e.findProject()
	if err != nil || p == nil || len(p.Components) == 0 {
		return
	}
	m, err := d.services.State(ctx, sluice.EnvironmentRef{Name: d.environment})
	if err != nil {
		d.fail("drafts", err)
		return
	}
	live := map[string]sluice.Value{}
	for _, s := range m.Components() {
		live[sluice.FoldName(s.Slot.Component())] = s.Value
	}
	var differ []string
	for _, c := range p.Components {
		if c.Path == "" {
			continue
		}
		digest, err := digestOf(p, c)
		if err != nil {
			d.fail("drafts", err)
			continue
		}
		if v, found := live[sluice.FoldName(c.Name)]; found && v.Digest != digest {
			differ = append(differ, fmt.Sprintf("%s (%s is live)", c.Name, v.Pin))
		}
	}
	if len(differ) == 0 {
		d.ok("drafts", "no file differs from what is live in %s", d.environment)
		return
	}
	d.warn("drafts", "look with `sluice draft diff NAME "+d.environment+"`, then publish and deploy what shall run",
		"files that differ from what is live in %s: %s", d.environment, sluice.Listing(differ, 5))
}

func digestOf(p *config.Project, c config.Component) (sluice.Digest, error) {
	files, err := p.Files(c)
	if err != nil {
		return "", err
	}
	_, digest, err := sluice.CheckFiles(files)
	return digest, err
}

// checkTracking finds publishes that an environment refused to follow, where the
// component has not moved since.
func (d *doctor) checkTracking(ctx context.Context) {
	all, err := d.services.Environments(ctx, false)
	if err != nil {
		d.fail("tracking", err)
		return
	}
	page, err := d.services.Entries(ctx, sluice.AuditQuery{Kind: sluice.EntryTrackRefused})
	if sluice.CodeOf(err) == sluice.Denied {
		return
	}
	if err != nil {
		d.fail("tracking", err)
		return
	}
	clean := true
	for _, v := range all {
		for _, entry := range page.Items {
			if v.Tracks == "" || entry.Subject != v.Name {
				continue
			}
			var refused struct{ Version, Reason string }
			if err := json.Unmarshal(entry.Payload, &refused); err != nil || d.movedSince(ctx, v.Name, refused.Version, entry.Seq) {
				continue
			}
			clean = false
			d.warn("tracking", fmt.Sprintf("deploy it by hand, or clear the reason: `sluice deploy set %s --to %s`", refused.Version, v.Name),
				"%s tracks the latest version and did not take %s: %s", v.Name, refused.Version, refused.Reason)
			break
		}
	}
	if clean {
		d.ok("tracking", "every environment that tracks the latest version has it")
	}
}

// movedSince reports whether a component got another version in an environment
// after an entry of the ledger.
func (d *doctor) movedSince(ctx context.Context, environment, version string, seq int64) bool {
	name, _ := splitRef(version)
	page, err := d.services.Releases(ctx, sluice.ReleaseQuery{Environment: environment, Component: name, Paging: sluice.Paging{Limit: 1}})
	return err == nil && len(page.Items) > 0 && page.Items[0].Epoch > seq
}

// checkWatch opens a stream and expects its first event. A proxy that buffers
// holds it back.
func (d *doctor) checkWatch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	for _, err := range d.services.Watch(ctx, sluice.WatchRequest{Environment: d.environment}) {
		if err == nil {
			d.ok("watch", "the first event of %s arrived", d.environment)
			return
		}
		if ctx.Err() == nil {
			d.fail("watch", err)
			return
		}
	}
	d.findings = append(d.findings, finding{
		"watch", statusFail, fmt.Sprintf("no event of %s arrived within %s", d.environment, watchPatience),
		[]string{"turn off response buffering for /v1/watch in the proxy in front of the server, and let it stay open"},
	})
}

func (d *doctor) checkPush() {
	if strings.EqualFold(d.info.Push, "poll") {
		d.warn("push", "start the server with --postgres-listen and the URL of PostgreSQL itself, past what stands before it",
			"changes of other servers arrive by polling, since a pooler that does not notify stands before PostgreSQL")
		return
	}
	d.ok("push", "changes arrive at once (%s)", valueOr(d.info.Push, "direct"))
}

func (d *doctor) checkAudit() {
	const fix = "`sluice audit verify`, now and then regularly"
	switch {
	case d.info.Epoch == 0:
		d.ok("audit", "the ledger is empty")
	case d.info.VerifiedAt == 0:
		d.warn("audit", fix, "the ledger was never verified")
	case d.info.Now.Std().Sub(d.info.VerifiedAt.Std()).Abs() > auditAge:
		d.warn("audit", fix, "the ledger was last verified on %s", d.e.clock(d.info.VerifiedAt))
	default:
		d.ok("audit", "the ledger held on %s", d.e.clock(d.info.VerifiedAt))
	}
}
