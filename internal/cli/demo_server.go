package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
)

// serve starts a server as a person does in the background, and returns the
// address and the token that it prints.
func (d *demo) serve(ctx context.Context) (address, token string, err error) {
	const line = "sluice serve --listen 127.0.0.1:0"
	d.say("%s %s", d.e.style(faint, "$"), d.e.style(bold, line+" 2> .sluice/serve.log &"))
	log, err := os.Create(filepath.Join(d.dir, config.DataDir, "serve.log"))
	if err != nil {
		return "", "", unwritable(d.dir, err)
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	stdout, printed := io.Pipe()
	p := d.process(words(line)[1:])
	p.Stdout, p.Stderr = printed, log
	ended := make(chan error, 1)
	go func() {
		var err error
		if status := Run(ctx, p); status != 0 {
			err = fmt.Errorf("`%s` exited with %d", line, status)
		}
		printed.Close()
		ended <- errors.Join(err, log.Close())
	}()
	d.stop = append(d.stop, func() error {
		cancel()
		return <-ended
	})
	lines := bufio.NewScanner(stdout)
	for token == "" && lines.Scan() {
		d.say("%s", hideToken(lines.Text()))
		what, value, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "listening":
			address = strings.TrimPrefix(value, "on ")
		case "token:":
			token = value
		}
	}
	if address == "" || token == "" {
		said, _ := os.ReadFile(filepath.Join(d.dir, config.DataDir, "serve.log")) // what cannot be read says nothing
		return "", "", fmt.Errorf("the server did not start: %s", said)
	}
	go io.Copy(io.Discard, stdout) //nolint:errcheck // it ends with the server
	d.say("%s", d.e.style(faint, "("+milliseconds(time.Since(began))+")"))
	return address, token, nil
}

// hideToken keeps a token off the screen, which people copy and show around.
func hideToken(line string) string {
	if strings.HasPrefix(line, "token: ") {
		return "token: … (handed to the program below, not shown here)"
	}
	return line
}
