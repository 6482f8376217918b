package live_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client/live"
)

// A program asks at each use which version to run. In a program, services is a
// client of package client.
func Example() {
	server := newStage()
	server.deploy("greeting", sluice.Settle(sluice.Pin{Version: 4, Label: "v1.0.0"}))
	var services live.Services = server

	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	environment, err := live.Open(context.Background(), live.Config{
		Services:    services,
		Environment: "production",
		File:        filepath.Join(dir, "production.live"),
	})
	if err != nil {
		panic(err)
	}
	defer environment.Close()

	changed := environment.Changed()
	pin, _ := environment.Resolve("greeting", "customer-17")
	fmt.Println("runs", pin)

	server.deploy("greeting", sluice.Settle(sluice.Pin{Version: 5, Label: "v1.1.0"}))
	<-changed
	pin, _ = environment.Resolve("greeting", "customer-17")
	fmt.Println("runs", pin)
	// Output:
	// runs v1.0.0
	// runs v1.1.0
}
