package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
)

// fault is a mistake in a manifest, as JSON.
type fault struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // none when a variable is at fault
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
}

// verdict is what validate says, as JSON.
type verdict struct {
	File     string  `json:"file"`
	Valid    bool    `json:"valid"`
	Errors   []fault `json:"errors"`
	Warnings []fault `json:"warnings"`
}

func validateCommand() *cobra.Command {
	var asJSON, locked bool
	var mode string
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a manifest without starting anything",
		Long: `Check a manifest without starting anything: its keys, its values, the configs
of the built-in backends and of those in the lock file, and whether the files of the
others can be run. What the lock file does not allow is a warning, and with --locked,
as for CI, an error.

Without FILE it is the one that SPANLOOM_MANIFEST names, or ./spanloom.yaml. The
file that lies over it in its mode is checked with it; --mode checks another.

Exit codes: 0 valid, 2 usage, 3 invalid manifest, 4 a backend cannot be run.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			m, err := load(path, mode)
			if exit := (*exitError)(nil); err != nil && errors.As(loadError(err), &exit) && exit.code == exitUsage {
				return exit
			}
			if err == nil && m.File == "" {
				return &exitError{exitUsage, fmt.Errorf("there is no %s here; name a file, or set %s", manifest.FileName, manifest.EnvVar)}
			}
			code := exitInvalidManifest
			if err == nil {
				code, err = checkOutside(m, locked)
			}
			if asJSON {
				return printVerdict(cmd, path, m, err, code)
			}
			if err != nil {
				return &exitError{code, err}
			}
			for _, w := range m.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s (warning)\n", m.Redact(w.Error()))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is valid\n", files(m))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON")
	lockedFlag(cmd, &locked)
	modeFlag(cmd, &mode)
	return cmd
}

// checkOutside checks the backends that are not built in: their configs by the schemas
// in the lock file, then whether their files can be run. What the lock file does not
// allow is a fault with locked, and a warning of m without.
func checkOutside(m *manifest.Manifest, locked bool) (code int, err error) {
	lock := catalog.ReadLock(m)
	var configs, files manifest.Errors
	for i, b := range m.Telemetry.Backends {
		fault, unlocked := lock.Verify(i)
		_, key := backendFile(m, b)
		said := func(err error) *manifest.Error {
			return m.Errorf(catalog.Path(i)+"."+key, "%s", m.Redact(err.Error()))
		}
		switch {
		case fault != nil:
			files = append(files, said(fault))
		case unlocked != nil && locked:
			files = append(files, said(unlocked))
		case unlocked != nil:
			m.Warnings = append(m.Warnings, said(unlocked))
		}
		if unlocked != nil {
			continue // the schema may be of another version
		}
		var list manifest.Errors
		switch err := lock.CheckConfig(i); {
		case errors.As(err, &list):
			configs = append(configs, list...)
		case err != nil:
			m.Warnings = append(m.Warnings, m.Errorf(catalog.ConfigPath(i, ""), "%v", err))
		}
	}
	switch {
	case len(configs) > 0:
		return exitInvalidManifest, configs
	case len(files) > 0:
		return exitBackend, files
	default:
		return exitOK, nil
	}
}

// backendFile returns the file of a backend, and the key that names it; "" when it is
// built in, or at an address.
func backendFile(m *manifest.Manifest, b manifest.Backend) (path, key string) {
	if len(b.Command) > 0 {
		return b.Command[0], "command"
	}
	if _, builtIn := catalog.Lookup(b.Plugin); builtIn || b.Address != "" {
		return "", ""
	}
	return catalog.PathOf(b.Plugin, m.Plugins.Dirs), "plugin"
}

func printVerdict(cmd *cobra.Command, path string, m *manifest.Manifest, err error, code int) error {
	v := verdict{File: path, Valid: err == nil, Errors: []fault{}, Warnings: []fault{}}
	if m != nil {
		v.File = m.File
		v.Warnings = append(v.Warnings, faults(m.Warnings)...)
	}
	var list manifest.Errors
	switch {
	case errors.As(err, &list):
		v.Errors = append(v.Errors, faults(list)...)
		v.File = list[0].File
	case err != nil:
		v.Errors = append(v.Errors, fault{File: path, Line: 1, Column: 1, Message: err.Error()})
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	if encErr := enc.Encode(v); encErr != nil {
		return &exitError{exitFailed, fmt.Errorf("print the verdict: %w", encErr)}
	}
	if err != nil {
		return &exitError{code, fmt.Errorf("%s is not valid: %d errors", v.File, len(v.Errors))}
	}
	return nil
}

func faults(list []*manifest.Error) []fault {
	out := make([]fault, len(list))
	for i, e := range list {
		out[i] = fault{e.File, e.Line, e.Column, e.Path, e.Message}
	}
	return out
}
