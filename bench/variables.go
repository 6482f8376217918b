package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/server"
)

// layerNames are environments that inherit each from the one before: with an
// overlay that makes five layers.
var layerNames = []string{"base", "production", "production-eu", "production-eu-west"}

// measureVariables times imports, effective sets and reveals of 1,000 keys over
// HTTP, durable where something is written.
func measureVariables(ctx context.Context, _ Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := server.Open(ctx, server.Config{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var rows []Row
	err = served(ctx, s, func(c *client.Client) error {
		if err := layered(ctx, c); err != nil {
			return err
		}
		rows, err = variableRows(ctx, c)
		return err
	})
	return rows, err
}

// layered makes the environments and a component with an overlay.
func layered(ctx context.Context, c *client.Client) error {
	for i, name := range layerNames[2:] {
		if _, err := c.CreateEnvironment(ctx, sluice.CreateEnvironmentRequest{Name: name, Parent: layerNames[i+1]}); err != nil {
			return err
		}
	}
	_, err := c.Publish(ctx, sluice.PublishRequest{
		Component: name(0), Kind: sluice.KindPrompt, Files: []sluice.File{sluice.NewFile("prompt.md", []byte("Answer."))},
	})
	return err
}

func variableRows(ctx context.Context, c *client.Client) ([]Row, error) {
	imports, err := sampled(20, func(i int) error {
		out, err := c.ImportVariables(ctx, sluice.ImportVariablesRequest{Environment: layerNames[3], Text: dotenv("import", i, sluice.MaxVariables)})
		if err == nil && len(out.Release.Changes) != sluice.MaxVariables {
			err = fmt.Errorf("%d changes instead of %d", len(out.Release.Changes), sluice.MaxVariables)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// Each layer holds a fifth more of the keys than the stronger one.
	for i, layer := range layerNames {
		text := dotenv(layer, 0, sluice.MaxVariables-200*i)
		if _, err := c.ImportVariables(ctx, sluice.ImportVariablesRequest{Environment: layer, Text: text, Prune: true}); err != nil {
			return nil, err
		}
	}
	overlay := sluice.ImportVariablesRequest{Environment: layerNames[3], Component: name(0), Text: dotenv("overlay", 0, 200)}
	if _, err := c.ImportVariables(ctx, overlay); err != nil {
		return nil, err
	}
	leaf := sluice.EnvironmentRef{Name: layerNames[3]}
	effective, err := sampled(100, func(int) error {
		set, err := c.Effective(ctx, sluice.EffectiveRequest{Environment: leaf, Component: name(0)})
		if err == nil && len(set.Variables) != sluice.MaxVariables {
			err = fmt.Errorf("%d variables instead of %d", len(set.Variables), sluice.MaxVariables)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	reveal, err := reveals(ctx, c, leaf)
	return []Row{
		{"import of 1,000 keys as one release, over HTTP, durable", "–", imports.String(), "every value is new"},
		{"effective set of 1,000 keys over five layers, over HTTP", "–", effective.String(), "with what each hides; plain values are opened"},
		{"reveal of one secret, over HTTP, durable", "–", reveal.String(), "one ledger entry each"},
	}, err
}

func reveals(ctx context.Context, c *client.Client, in sluice.EnvironmentRef) (percentiles, error) {
	secret, yes := "a secret of some length", true
	change := sluice.ChangeRequest{Variable: "ONE_SECRET", Value: &secret, Secret: &yes}
	if _, err := c.Deploy(ctx, sluice.DeployRequest{Environment: in.Name, Changes: []sluice.ChangeRequest{change}}); err != nil {
		return percentiles{}, err
	}
	return sampled(500, func(int) error {
		v, err := c.Variable(ctx, sluice.VariableRequest{Environment: in, Key: "ONE_SECRET", Reveal: true})
		if err == nil && (v.Value == nil || *v.Value != secret) {
			err = fmt.Errorf("another value was revealed")
		}
		return err
	})
}

// dotenv is a file of so many keys, with values of about 40 bytes.
func dotenv(layer string, round, keys int) string {
	var b strings.Builder
	for i := range keys {
		fmt.Fprintf(&b, "SETTING_%04d=%s-%d-%s\n", i, layer, round, strings.Repeat("x", 24))
	}
	return b.String()
}
