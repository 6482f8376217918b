package config

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// roots are where the places are: at the root of a project, or one below.
var roots = []string{"", "components", "logic"}

// place says which directories hold a kind of component, and which files count.
type place struct {
	kind    string
	dirs    []string // at the root, below components/ and below logic/
	double  []string // the words of double extensions, as in refund.prompt.md
	endings []string
	inner   []string // more endings, below components/ and logic/
	// common says that other projects have such directories too. At the root they
	// count only where something else shows that there are components.
	common bool
	// anywhere says that nobody else uses the double extension, so that it counts
	// in every directory. Others count in a place or below components/ and logic/.
	anywhere bool
}

// The kinds besides those of the root package, which are free labels.
const (
	kindQuery    = "query"
	kindSchema   = "schema"
	kindTemplate = "template"
	kindTool     = "tool"
)

var prose = []string{".md", ".markdown", ".mdx", ".txt", ".prompt", ".yaml", ".yml", ".json", ".xml", ".j2", ".jinja", ".jinja2", ".hbs", ".mustache", ".liquid", ".tmpl"}

// places are all that are looked into, in the order in which what is found is
// listed.
var places = []place{
	{kind: sluice.KindPrompt, dirs: []string{"prompts", "instructions"}, double: []string{"prompt"}, endings: prose, anywhere: true},
	{kind: sluice.KindWorkflow, dirs: []string{"workflows"}, double: []string{"workflow"}, endings: []string{".yaml", ".yml", ".json"}, anywhere: true},
	{kind: sluice.KindEnsemble, dirs: []string{"ensembles"}, double: []string{"ensemble"}, endings: []string{".yaml", ".yml", ".json"}, anywhere: true},
	{
		kind: sluice.KindScript, dirs: []string{"scripts"}, double: []string{"script"}, common: true,
		endings: []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".py", ".sh", ".bash"}, inner: []string{".yaml", ".yml"},
	},
	{
		kind: sluice.KindAgent, dirs: []string{"agents"}, double: []string{"agent"},
		endings: []string{".yaml", ".yml", ".json", ".md", ".txt", ".ts"}, anywhere: true,
	},
	{
		kind: sluice.KindConfig, dirs: []string{"configs", "config", "settings"}, double: []string{"config"}, common: true,
		endings: []string{".yaml", ".yml", ".json", ".toml", ".ini"}, inner: []string{".jsonc", ".json5", ".xml", ".txt", ".properties", ".conf"},
	},
	{
		kind: kindQuery, dirs: []string{"queries", "sql", "database"}, double: []string{"query"}, common: true,
		endings: []string{".sql", ".graphql", ".gql", ".cypher"},
	},
	{
		kind: kindSchema, dirs: []string{"schemas", "schema", "types", "validation"}, double: []string{"schema"}, common: true,
		endings: []string{".json", ".yaml", ".yml"},
	},
	{
		kind: kindTemplate, dirs: []string{"templates"}, double: []string{"template"}, common: true,
		endings: []string{".hbs", ".handlebars", ".mjml", ".liquid", ".mustache", ".ejs", ".html", ".txt", ".md", ".j2", ".jinja", ".jinja2", ".tmpl", ".njk"},
	},
	{
		kind: kindTool, dirs: []string{"tools"}, double: []string{"tool"}, common: true,
		endings: []string{".yaml", ".yml", ".json", ".js", ".ts"},
	},
}

// candidate is a file, or a directory of an agent, that is a component by its path.
type candidate struct {
	path   string
	kind   string
	place  string // the directory that makes it one, such as components/prompts; "" when it is in none
	double bool   // its double extension makes it one
	vague  bool   // it counts only where something else shows that there are components
}

// judge says what a file is by its path alone.
func judge(p string) (candidate, bool) {
	if notComponents(path.Base(p)) {
		return candidate{}, false
	}
	root, dir := rootOf(p)
	c := candidate{path: p}
	ending := path.Ext(p)
	var in *place
	if i := slices.IndexFunc(places, func(pl place) bool { return slices.Contains(pl.dirs, dir) }); i >= 0 {
		in, c.place = &places[i], path.Join(root, dir)
	}
	word := strings.TrimPrefix(path.Ext(strings.TrimSuffix(p, ending)), ".")
	for _, pl := range places {
		if slices.Contains(pl.double, word) && slices.Contains(pl.endings, ending) && (pl.anywhere || in != nil || root != "") {
			c.kind, c.double = pl.kind, true
			c.vague = !pl.anywhere && root == "" && in.common
			return c, true
		}
	}
	if in == nil || !slices.Contains(in.endings, ending) && (root == "" || !slices.Contains(in.inner, ending)) {
		return candidate{}, false
	}
	c.kind, c.vague = in.kind, in.common && root == ""
	return c, true
}

// KindOf is the kind of component that a file is by its path, which is relative to the
// project, such as ensemble for ensembles/triage.yaml; "" when that says nothing.
func KindOf(p string) string {
	if c, found := judge(path.Clean(p)); found && !c.vague {
		return c.kind
	}
	return ""
}

// rootOf splits what is before the file: the root, and the directory in it that
// may be a place; "" for none.
func rootOf(p string) (root, dir string) {
	parts := strings.Split(p, "/")
	if len(parts) > 1 && parts[0] != "" && slices.Contains(roots, parts[0]) {
		root, parts = parts[0], parts[1:]
	}
	if len(parts) > 1 {
		dir = parts[0]
	}
	return root, dir
}

// notComponent matches names that stand beside components everywhere: what
// explains, what other programs are set up by, tests, and parts of programs.
var notComponent = regexp.MustCompile(strings.Join([]string{
	`^\.`, `^(README|LICEN[CS]E|COPYING|NOTICE|CHANGELOG|CONTRIBUTING|CODE_OF_CONDUCT|SECURITY|AUTHORS|MAINTAINERS|CODEOWNERS|AGENTS|CLAUDE|GEMINI)\b`,
	`^(?i:readme|licen[cs]e|copying|changelog|contributing)(\.|$)`,
	`^(package|composer|bower|lerna|nx|turbo|vercel|renovate|biome|deno|bun|npm-shrinkwrap)\.jsonc?$`, `^(ts|js)config\b.*\.json$`,
	`^(pyproject|Cargo|netlify|wrangler|Pipfile)\.toml$`, `^requirements.*\.txt$`, `^robots\.txt$`,
	`[.-]lock(\.(json|ya?ml))?$`, `\.lockb$`, `^go\.(mod|sum|work)$`,
	`^(azure-pipelines|bitbucket-pipelines|buildspec|appveyor|cloudbuild|codecov|mkdocs|pnpm-workspace|(docker-)?compose)\b.*\.ya?ml$`,
	`\.(test|spec|stories)\.[cm]?[jt]sx?$`, `\.d\.[cm]?ts$`, `^test_.*\.py$`, `_test\.(py|sh|[cm]?[jt]s)$`, `^(__init__|conftest|setup)\.py$`, `^index\.[cm]?[jt]s$`,
	`\.config\.[cm]?[jt]s$`, `~$`,
}, "|")).MatchString

func notComponents(base string) bool { return notComponent(base) || base == ProjectFile }
