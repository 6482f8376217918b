// Command sluice is the release control plane for AI components: the command
// line and the server in one program. It only hands over what the process was
// given; everything else is in internal/cli.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-dev/sluice/internal/cli"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

// version is set by the build.
var version = "dev"

func main() {
	sandbox.Enter()
	os.Exit(run())
}

func run() int {
	signal.Ignore(syscall.SIGPIPE) // a reader that has seen enough is no failure
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // whoever asks twice does not want to wait
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintf(os.Stderr, "sluice: cannot tell the working directory: %v\n", err)
		return 1
	}
	return cli.Run(ctx, cli.Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Dir: dir, Version: version,
	})
}
