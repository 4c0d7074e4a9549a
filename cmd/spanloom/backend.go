package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
)

// listed is a backend, as JSON.
type listed struct {
	Name    string `json:"name"`
	BuiltIn bool   `json:"built_in"`
	Version string `json:"version,omitempty"`
	Path    string `json:"path,omitempty"`
}

func backendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "Tell of telemetry backends",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(backendListCommand(), backendNewCommand())
	return cmd
}

func backendListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the backends that a manifest may name",
		Long: `List the backends that a manifest may name: the built-in ones, and the files
spanloom-backend-NAME in the plugin directories of the manifest (the one that
SPANLOOM_MANIFEST names, or ./spanloom.yaml; without one, ./.spanloom/backends).
Nothing is started.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := catalog.Load("", nil, manifest.Options{})
			if err != nil {
				return &exitError{exitInvalidManifest, err}
			}
			return printBackends(cmd, backends(m), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// backends returns what m may name, the built-in ones first.
func backends(m *manifest.Manifest) []listed {
	list := []listed{}
	for _, b := range catalog.BuiltIn() {
		list = append(list, listed{Name: b.Name, BuiltIn: true, Version: buildinfo.Version()})
	}
	for _, f := range catalog.Find(m.Plugins.Dirs) {
		if _, hidden := catalog.Lookup(f.Name); !hidden {
			list = append(list, listed{Name: f.Name, Path: f.Path})
		}
	}
	return list
}

func printBackends(cmd *cobra.Command, list []listed, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		if err := enc.Encode(list); err != nil {
			return &exitError{exitFailed, fmt.Errorf("print the list: %w", err)}
		}
		return nil
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, b := range list {
		where := b.Path
		if b.BuiltIn {
			where = "built in, " + b.Version
		}
		fmt.Fprintf(w, "%s\t%s\n", b.Name, where)
	}
	if err := w.Flush(); err != nil {
		return &exitError{exitFailed, fmt.Errorf("print the list: %w", err)}
	}
	return nil
}
