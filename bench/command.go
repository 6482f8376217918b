package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// measureCommand times the binary as a user's shell starts it, and weighs it.
func measureCommand(ctx context.Context, _ Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, err := buildBinary(ctx, dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	s, err := seeded(ctx, data, 0)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	cold, err := sampled(40, func(i int) error {
		out, err := exec.CommandContext(ctx, binary, "deploy", "get", name(i), "--from", "prod", "--data", data).Output()
		if err == nil && strings.TrimSpace(string(out)) != "v1.1.0" {
			err = fmt.Errorf("deploy get printed %q", out)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	memory, err := idleMemory(ctx, binary, data)
	return []Row{
		{"command line, embedded, cold: deploy get", "< 30 ms", cold.String(), "1,000 components"},
		{"binary", "< 60 MB", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), "static, stripped"},
		{"idle memory of serve", "< 60 MB", memory, "resident, after one state of 1,000 components"},
	}, err
}

// idleMemory starts a server, asks it once, and reads its resident size.
func idleMemory(ctx context.Context, binary, data string) (string, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	serve := exec.CommandContext(ctx, binary, "serve", "--listen", "127.0.0.1:0", "--data", data)
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	serve.WaitDelay = 10 * time.Second
	if err := serve.Start(); err != nil {
		return "", err
	}
	defer func() { stop(); _ = serve.Wait() }()
	for {
		if err := exec.CommandContext(ctx, binary, "deploy", "list", "-e", "prod", "--server", "unix://"+filepath.Join(data, "sluice.sock")).Run(); err == nil {
			break
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		time.Sleep(50 * time.Millisecond)
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", serve.Process.Pid))
	if err != nil {
		return "not measured here", nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			var n int
			_, err := fmt.Sscan(kb, &n)
			return fmt.Sprintf("%.1f MB", float64(n)/1000), err
		}
	}
	return "not measured here", nil
}
