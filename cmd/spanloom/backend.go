package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	// Locked is absent for built-in backends.
	Locked  *bool  `json:"locked,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func backendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "Tell of telemetry backends, and check them",
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(backendListCommand(), backendLockCommand(), backendNewCommand(), backendVerifyCommand())
	return cmd
}

func backendListCommand() *cobra.Command {
	var asJSON, locked bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the backends that a manifest may name",
		Long: `List the backends that a manifest may name: the built-in ones, and the files
spanloom-backend-NAME in the plugin directories of the manifest (the one that
SPANLOOM_MANIFEST names, or ./spanloom.yaml; without one, ./.spanloom/backends), and
whether the lock file allows them to run. Nothing is started.

Exit codes: 0 printed, 2 usage, 3 invalid manifest, 4 with --locked: one may not run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := catalog.Load("", nil, manifest.Options{})
			if err != nil {
				return &exitError{exitInvalidManifest, err}
			}
			list := backends(m)
			if err := printBackends(cmd, list, asJSON); err != nil || !locked {
				return err
			}
			return unlocked(list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	lockedFlag(cmd, &locked)
	return cmd
}

// backends returns what m may name, the built-in ones first.
func backends(m *manifest.Manifest) []listed {
	list := []listed{}
	for _, b := range catalog.BuiltIn() {
		list = append(list, listed{Name: b.Name, BuiltIn: true, Version: buildinfo.Version()})
	}
	lock := catalog.ReadLock(m)
	for _, f := range catalog.Find(m.Plugins.Dirs) {
		if _, hidden := catalog.Lookup(f.Name); hidden {
			continue
		}
		b := listed{Name: f.Name, Path: f.Path}
		fault, unlocked := lock.VerifyInstalled(f.Name)
		locked := fault == nil && unlocked == nil
		b.Locked = &locked
		if err := cmp.Or(fault, unlocked); err != nil {
			b.Problem = m.Redact(err.Error())
		}
		list = append(list, b)
	}
	return list
}

// unlocked is an error when a backend of the list may not run.
func unlocked(list []listed) error {
	var lines []string
	for _, b := range list {
		if b.Problem != "" {
			lines = append(lines, fmt.Sprintf("backend %q: %s", b.Name, b.Problem))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &exitError{exitBackend, errors.New(strings.Join(lines, "\n"))}
}

func lockedFlag(cmd *cobra.Command, locked *bool) {
	cmd.Flags().BoolVar(locked, "locked", false, "fail when the lock file does not allow a backend; for CI")
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
		switch {
		case b.BuiltIn:
			where = "built in, " + b.Version
		case b.Problem == "":
			where += ", locked"
		default:
			where += ", may not run: " + b.Problem
		}
		fmt.Fprintf(w, "%s\t%s\n", b.Name, where)
	}
	if err := w.Flush(); err != nil {
		return &exitError{exitFailed, fmt.Errorf("print the list: %w", err)}
	}
	return nil
}
