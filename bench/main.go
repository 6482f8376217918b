package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/sluice-dev/sluice/internal/sandbox"
)

func main() {
	sandbox.Enter()
	big := flag.Bool("big", false, "measure with 1,000,000 releases and 10,000 watchers too (minutes)")
	only := flag.String("only", "", "run only the groups whose name contains this: "+strings.Join(groupNames(), ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *big, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// group is a set of rows that share what they set up.
type group struct {
	name    string
	measure func(context.Context, Config) ([]Row, error)
	sizes   bool // once for each number of releases
}

var groups = []group{
	{"commit", measureCommit, false},
	{"watch", measureWatch, false},
	{"resolve", measureResolve, false},
	{"http", measureHTTP, false},
	{"past", measurePast, true},
	{"variables", measureVariables, false},
	{"runs", measureRuns, false},
	{"logs", measureLogs, true},
	{"git", measureGit, false},
	{"command", measureCommand, false},
}

func groupNames() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

func run(ctx context.Context, big bool, only string) error {
	sizes := []int{1_000, 100_000}
	if big {
		sizes = append(sizes, 1_000_000)
	}
	fmt.Printf("%s\n\n", machine())
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tTARGET\tRESULT\tNOTE")
	for _, g := range groups {
		if !strings.Contains(g.name, only) {
			continue
		}
		runs := []int{0}
		if g.sizes {
			runs = sizes
		}
		for _, n := range runs {
			fmt.Fprintf(os.Stderr, "measuring %s %s\n", g.name, orBlank(n))
			rows, err := g.measure(ctx, Config{Releases: n, Big: big})
			if err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
			for _, r := range rows {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Name, r.Target, r.Result, r.Note)
			}
		}
	}
	return table.Flush()
}

func orBlank(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n, " releases")
}

// machine is what the numbers were measured on.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores (%s), %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
