package gitsync

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

var (
	modelParts  = []string{"bot", "guide"}
	modelLabels = []string{"", "", "v1.0.0", "v1.1.0", "v2.0.0-rc.1"}
	modelPlaces = []string{"production", "production", "staging", "development", "base", "canary"}
	modelKeys   = []string{"LLM_MODEL", "API_TOKEN"}
)

// version is one that somebody has, "" when they have none.
func (m *team) version(c *clone, component string) string {
	page, err := c.client.Versions(m.Context(), sluice.VersionQuery{Component: component})
	if err != nil || len(page.Items) == 0 {
		return ""
	}
	return fmt.Sprint(oneOf(m, page.Items...).Number)
}

// text is mostly new, and sometimes what somebody else may write too.
func (m *team) text() string {
	if m.oneIn(3) {
		return oneOf(m, "one\n", "two\n")
	}
	m.texts++
	return fmt.Sprintf("text %d\n", m.texts)
}

func (m *team) publish(c *clone) {
	name, label := oneOf(m, modelParts...), oneOf(m, modelLabels...)
	if label == "v1.0.0" && !m.oneIn(4) {
		label = fmt.Sprintf("v1.0.%d", m.IntN(1_000_000)) // mostly nobody else's
	}
	out, err := c.client.Publish(m.Context(), sluice.PublishRequest{
		Component: name, Kind: "prompt", Label: label, Note: oneOf(m, "", "a note"), Files: []sluice.File{sluice.NewFile(name+".md", []byte(m.text()))},
	})
	if m.allowed(c, "publish "+name+" "+label, err) {
		m.say(c, "published %s@%d %s %s", name, out.Version.Number, label, out.Version.Digest.Short())
	}
}

func (m *team) change() sluice.Change {
	return sluice.Change{Reason: oneOf(m, "", "because\nof this"), Ticket: oneOf(m, "", "OPS-1")}
}

func (m *team) outcome(c *clone, what string, out sluice.Outcome, err error) {
	if !m.allowed(c, what, err) {
		return
	}
	did := []string{}
	if out.Release != nil {
		did = append(did, out.Release.Ref())
	}
	for _, r := range out.Inherited {
		did = append(did, r.Ref())
	}
	m.say(c, "%s: %v", what, did)
}

func (m *team) deployed(c *clone, what string, changes ...sluice.ChangeRequest) {
	place := oneOf(m, modelPlaces...)
	out, err := c.client.Deploy(m.Context(), sluice.DeployRequest{Environment: place, Changes: changes, Change: m.change()})
	m.outcome(c, what+" in "+place, out, err)
}

func (m *team) deploy(c *clone) {
	name := oneOf(m, modelParts...)
	version := m.version(c, name)
	m.deployed(c, "deploy "+name+"@"+version, sluice.ChangeRequest{Component: name, Version: version})
}

func (m *team) split(c *clone) {
	name := oneOf(m, modelParts...)
	a, b := m.version(c, name), m.version(c, name)
	m.deployed(c, fmt.Sprintf("split %s %s %s", name, a, b), sluice.ChangeRequest{
		Component: name, Split: []sluice.ShareRequest{{Version: a, Weight: 2500}, {Version: b, Weight: sluice.Whole - 2500}},
	})
}

func (m *team) unset(c *clone) {
	name := oneOf(m, modelParts...)
	m.deployed(c, "unset "+name, sluice.ChangeRequest{Component: name, Unset: m.oneIn(2), Hide: m.oneIn(2)})
}

func (m *team) variable(c *clone) {
	key, value := oneOf(m, modelKeys...), m.text()
	ch := sluice.ChangeRequest{Variable: key, Value: &value}
	if m.oneIn(4) {
		ch = sluice.ChangeRequest{Variable: key, Unset: true}
	}
	if m.oneIn(3) {
		ch.Component = oneOf(m, modelParts...)
	}
	m.deployed(c, "variable "+key, ch)
}

func (m *team) rollback(c *clone) {
	place, name := oneOf(m, modelPlaces...), oneOf(m, modelParts...)
	req := sluice.RollbackRequest{Environment: place, Components: []string{name}, Further: true, Change: m.change()}
	e, err := c.client.Environment(m.Context(), place)
	if err == nil && e.Release > 1 && m.oneIn(3) {
		req.Components, req.To = nil, fmt.Sprintf("%s#%d", place, m.Int64N(e.Release))
	}
	out, err := c.client.Rollback(m.Context(), req)
	m.outcome(c, fmt.Sprintf("rollback %v in %s to %q", req.Components, place, req.To), out, err)
}

func (m *team) promote(c *clone) {
	from, to := oneOf(m, modelPlaces...), oneOf(m, modelPlaces...)
	out, err := c.client.Promote(m.Context(), sluice.PromoteRequest{Environment: to, From: from, Change: m.change()})
	m.outcome(c, "promote "+from+" to "+to, out, err)
}

func (m *team) restore(c *clone) {
	place := oneOf(m, modelPlaces...)
	e, err := c.client.Environment(m.Context(), place)
	if err != nil || e.Release < 2 {
		return // there is nothing to restore
	}
	from := fmt.Sprintf("%s#%d", place, 1+m.Int64N(e.Release-1))
	out, err := c.client.Restore(m.Context(), sluice.RestoreRequest{Environment: place, From: from, Change: m.change()})
	m.outcome(c, "restore "+from, out, err)
}

func (m *team) create(c *clone) {
	out, err := c.client.CreateEnvironment(m.Context(), sluice.CreateEnvironmentRequest{
		Name: "canary", Alias: oneOf(m, "", "yellow"), Parent: oneOf(m, "base", "production"), PromotesFrom: oneOf(m, nil, []string{"staging"}),
	})
	if m.allowed(c, "create canary", err) {
		m.say(c, "created %+v: %d releases", out.Environment, len(out.Releases))
	}
}

func (m *team) edit(c *clone) {
	name := oneOf(m, "staging", "production", "canary")
	req := sluice.EditEnvironmentRequest{Name: name}
	if m.oneIn(2) {
		parent := oneOf(m, "base", "production", "staging", "development")
		req.Parent = &parent
	} else {
		alias := oneOf(m, "", name+"-live", "my-"+name)
		req.Alias = &alias
	}
	out, err := c.client.EditEnvironment(m.Context(), req)
	if m.allowed(c, "edit "+name, err) {
		m.say(c, "edited %s: alias %s, parent %s, %d releases", name, out.Environment.Alias, out.Environment.Parent, len(out.Releases))
	}
}

func (m *team) remove(c *clone) {
	out, err := c.client.DeleteEnvironment(m.Context(), sluice.DeleteEnvironmentRequest{Name: "canary"})
	if m.allowed(c, "delete canary", err) {
		m.say(c, "deleted canary: %d releases", len(out.Releases))
	}
}

// tags are those of a clone that have a prefix and of which one can be read as asked.
func (m *team) tags(c *clone, take func(ref string) bool) (out []string) {
	for _, ref := range strings.Fields(c.git("for-each-ref", "--format=%(refname)", "refs/tags/")) {
		if take(ref) {
			out = append(out, ref)
		}
	}
	return out
}

func isEnvironmentTag(ref string) bool {
	_, _, ok := parseEnvironmentTag(ref)
	return ok
}

func isVersionTag(ref string) bool { return isTag(ref) && isVersionRef(ref) }

// commitFile commits a new text of a component with plain Git.
func (m *team) commitFile(c *clone, component string) string {
	m.Helper()
	path := filepath.Join("components", "prompts", component+".md")
	if err := os.MkdirAll(filepath.Join(c.dir, filepath.Dir(path)), 0o755); err != nil {
		m.Fatal(err)
	}
	m.texts++
	if err := os.WriteFile(filepath.Join(c.dir, path), fmt.Appendf(nil, "text %d by hand\n", m.texts), 0o644); err != nil {
		m.Fatal(err)
	}
	c.git("add", path)
	c.git("commit", "--quiet", "-m", "change "+component)
	return c.git("rev-parse", "HEAD")
}

// byHand makes or moves a tag with plain Git.
func (m *team) byHand(c *clone, ref, target string) {
	name := strings.TrimPrefix(ref, "refs/tags/")
	if m.oneIn(2) {
		c.git("tag", "-f", name, target)
		m.say(c, "git tag -f %s %.12s", name, target)
		return
	}
	component, slot, _ := strings.Cut(strings.TrimPrefix(name, "components/"), "/")
	message := "by hand"
	if slot == "nowhere" && m.oneIn(2) { // which makes it an environment
		message = fmt.Sprintf("Deploy %s@v1.0.0 to %s", component, slot)
	}
	c.git("tag", "-f", "-a", "-m", message, name, target)
	m.say(c, "git tag -f -a -m %q %s %.12s", message, name, target)
}

// moveTag moves the tag of an environment to a version, or to a commit of its own.
func (m *team) moveTag(c *clone) {
	component := oneOf(m, modelParts...)
	target := ""
	if known := m.tags(c, func(ref string) bool { return isVersionTag(ref) && strings.HasPrefix(ref, TagsPrefix+component+"/") }); len(known) > 0 && !m.oneIn(4) {
		target = c.git("rev-parse", oneOf(m, known...)+"^{commit}")
	} else {
		target = m.commitFile(c, component)
	}
	m.byHand(c, EnvironmentTag(component, oneOf(m, "prod", "stage", "nowhere")), target)
}

func (m *team) tagVersion(c *clone) {
	component := oneOf(m, modelParts...)
	ref := VersionTag(component, sluice.Label(fmt.Sprintf("v3.%d.0", m.IntN(1_000_000))))
	m.byHand(c, ref, m.commitFile(c, component))
}

func (m *team) deleteTag(c *clone) {
	known := m.tags(c, isEnvironmentTag)
	if len(known) == 0 {
		return // there is none
	}
	name := strings.TrimPrefix(oneOf(m, known...), "refs/tags/")
	c.git("tag", "-d", name)
	m.say(c, "git tag -d %s", name)
}

// pushByHand has plain Git send a tag, over whatever the remote has.
func (m *team) pushByHand(c *clone) {
	known := m.tags(c, func(ref string) bool { return isEnvironmentTag(ref) || strings.Contains(ref, "/v3.") })
	if len(known) == 0 {
		return // there is none
	}
	ref := oneOf(m, known...)
	c.git("push", "--quiet", "-f", "origin", ref)
	m.say(c, "git push -f origin %s", ref)
}

func (m *team) tidy(c *clone) {
	c.git(oneOf(m, []string{"gc", "--quiet"}, []string{"pack-refs", "--all"}, []string{"repack", "-q", "-d", "-A"})...)
	m.say(c, "git gc")
}

// loseState takes away what can be made again.
func (m *team) loseState(c *clone) {
	if err := os.RemoveAll(c.bridge.Repo().StateDir()); err != nil {
		m.Fatal(err)
	}
	m.say(c, "rm -r .git/sluice")
}

// loseLedger takes away the installation. What was released there and not written
// to the repository is lost with it.
func (m *team) loseLedger(c *clone) {
	c.close()
	if err := os.RemoveAll(filepath.Join(c.dir, ".sluice")); err != nil {
		m.Fatal(err)
	}
	if err := c.open(); err != nil {
		m.Fatal(err)
	}
	m.say(c, "rm -r .sluice")
	m.trySync(c, SyncOptions{Offline: m.oneIn(2), Theirs: true})
}

// reachable are the commits that refs of a repository hold, at the remote or here.
func reachable(c *clone, dir string) map[gitrepo.OID]bool {
	out := map[gitrepo.OID]bool{}
	for _, id := range strings.Fields(gitAs(c.t, dir, c.actor, "log", "--format=%H", "--glob=refs/sluice/environments/*", "--glob=refs/sluice/superseded/*")) {
		out[gitrepo.OID(id)] = true
	}
	return out
}
