package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/manifest"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Tell what telemetry is set to",
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(configShowCommand())
	return cmd
}

func configShowCommand() *cobra.Command {
	var asJSON bool
	var mode string
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print what telemetry is set to, and where each value is from",
		Long: `Print what telemetry is set to, and where each value is from: a place in the
manifest or in the file that lies over it, an environment variable, or default.
Nothing is started.

Without FILE it is the one that SPANLOOM_MANIFEST names, or ./spanloom.yaml;
without any, what the environment and the defaults come to. Secrets are masked:
references are shown instead of their values, and [redacted] stands for headers,
credentials and whatever has the name or the form of a secret.

Exit codes: 0 printed, 2 usage, 3 invalid manifest.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			m, err := load(path, mode)
			if err != nil {
				return loadError(err)
			}
			if m.File == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), noManifest+": this is what the environment and the defaults come to")
			}
			for _, w := range m.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s (warning)\n", m.Redact(w.Error()))
			}
			show := printSettings
			if asJSON {
				show = printSettingsJSON
			}
			if err := show(cmd.OutOrStdout(), m); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the settings: %w", err)}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	modeFlag(cmd, &mode)
	return cmd
}

// printSettings prints a line for each setting: path, value and origin.
func printSettings(out io.Writer, m *manifest.Manifest) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range m.Settings() {
		value, err := encoded(s.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Path, value, s.Origin)
	}
	return w.Flush()
}

// encoded is a value as JSON, with < and > as they are.
func encoded(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}

// shownConfig is what show prints, as JSON.
type shownConfig struct {
	File     string         `json:"file,omitempty"`
	Overlay  string         `json:"overlay,omitempty"`
	Settings []shownSetting `json:"settings"`
	Warnings []fault        `json:"warnings"`
}

type shownSetting struct {
	Path   string      `json:"path"`
	Value  any         `json:"value"`
	Origin shownOrigin `json:"origin"`
}

type shownOrigin struct {
	Text      string   `json:"text"`
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`
	Column    int      `json:"column,omitempty"`
	Variables []string `json:"variables,omitempty"`
}

func printSettingsJSON(out io.Writer, m *manifest.Manifest) error {
	config := shownConfig{
		File: m.File, Overlay: m.Overlay,
		Settings: []shownSetting{}, Warnings: faults(m.Warnings),
	}
	for _, s := range m.Settings() {
		o := s.Origin
		config.Settings = append(config.Settings, shownSetting{
			s.Path, s.Value, shownOrigin{o.String(), o.File, o.Line, o.Column, o.Variables},
		})
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(config)
}
