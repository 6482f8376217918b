package workflow

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// otherLanguages are the endings of files that are programs of another kind.
var otherLanguages = []string{
	".py", ".sh", ".bash", ".zsh", ".rb", ".pl", ".php", ".ts", ".mts", ".tsx", ".jsx", ".go", ".rs", ".java", ".kt", ".cs", ".lua", ".r", ".sql", ".ps1", ".exe", ".wasm",
}

// notScripts are the endings of files that stand beside a script.
var notScripts = []string{".md", ".txt", ".json", ".yaml", ".yml", ".toml", ".csv", ".html", ".xml", ".map", ".lock"}

// readScript reads the one script among the files as a workflow of one block.
func readScript(ctx context.Context, ev expr.Evaluator, files []sluice.File) (*Workflow, error) {
	for _, f := range files {
		if suffix := strings.ToLower(path.Ext(f.Path)); len(files) == 1 && slices.Contains(otherLanguages, suffix) {
			return nil, sluice.Errorf(sluice.Invalid, "%s cannot be run: Sluice runs JavaScript, and this file ends in %s", f.Path, suffix).
				Fix("write it in JavaScript, in a file that ends in .js")
		}
	}
	file, err := pickFile(files, sluice.KindScript, func(suffix string) bool {
		return !slices.Contains(otherLanguages, suffix) && !slices.Contains(notScripts, suffix)
	}, "one file ending in .js or .mjs, or script.js among several,")
	if err != nil {
		return nil, err
	}
	r := newReader(file)
	r.free, r.out.Spread = true, true
	if !r.isText(file.Bytes()) {
		return nil, r.err()
	}
	content := string(file.Bytes())
	code := &node{value: content, line: 0, column: 1, style: whole}
	d := r.alone("script", Script)
	d.Raw["code"] = content
	r.texts = append(r.texts, &text{at: code, text: content, dialect: expr.ScriptBody, in: d, what: "the script"})
	return r.finish(ctx, ev)
}
