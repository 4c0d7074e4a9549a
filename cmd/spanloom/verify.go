package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/backend/conformance"
	"github.com/spanloom/spanloom/pluginhost"
)

func backendVerifyCommand() *cobra.Command {
	var asJSON bool
	var config string
	cmd := &cobra.Command{
		Use:   "verify FILE [ARG...]",
		Short: "Check that a backend keeps the rules of backends",
		Long: `Check that a backend keeps the rules of backends. FILE is its binary, in whatever
language it is written, and each ARG an argument of it; as in a manifest, one that
begins with ./ or ../ is made an absolute path. It is started some hundred times, as a
program with a manifest would start it, and sent made-up runs: name a destination in
the config where they do no harm.

Exit codes: 0 all rules are kept, 1 some are not, 2 usage, such as a config that it
refuses, 4 it cannot be started.`,
		Args: words(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := absolute(args)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			target := conformance.Target{Command: command}
			if target.Config, err = readConfig(config); err != nil {
				return &exitError{exitUsage, err}
			}
			if err := pluginhost.CheckFile(command[0]); err != nil {
				return &exitError{exitBackend, err}
			}
			each := func(r conformance.Result) { printResult(cmd.OutOrStdout(), r) }
			if asJSON {
				each = nil
			}
			report, err := conformance.Verify(cmd.Context(), target, each)
			if refused, ok := errors.AsType[*conformance.RefusedError](err); ok {
				return &exitError{exitUsage, fmt.Errorf("%w; give one that is right with --config", refused)}
			}
			if err != nil {
				return &exitError{exitBackend, fmt.Errorf("%s: %w", args[0], err)}
			}
			return printReport(cmd, report, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.Flags().StringVar(&config, "config", "{}", "the backend's config: JSON, or the name of a file that has it")
	cmd.Flags().SetInterspersed(false) // what comes after FILE is the backend's
	return cmd
}

// absolute returns the command as a manifest in the working directory has it: the
// backend runs in another one.
func absolute(args []string) ([]string, error) {
	command := slices.Clone(args)
	for i, word := range command {
		slashed := filepath.ToSlash(word)
		if i > 0 && !strings.HasPrefix(slashed, "./") && !strings.HasPrefix(slashed, "../") {
			continue
		}
		path, err := filepath.Abs(word)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
		command[i] = path
	}
	return command, nil
}

// readConfig returns a config that is written out, or in a file.
func readConfig(said string) (json.RawMessage, error) {
	data := []byte(said)
	if !strings.HasPrefix(strings.TrimSpace(said), "{") {
		var err error
		if data, err = os.ReadFile(said); err != nil {
			return nil, fmt.Errorf("--config: %w", err)
		}
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("--config is no JSON object: %w", err)
	}
	return data, nil
}

// verdicts are the words for people.
var verdicts = map[conformance.Outcome]string{
	conformance.Passed: "ok", conformance.Failed: "FAIL", conformance.Skipped: "skip",
}

func printResult(w io.Writer, r conformance.Result) {
	if r.Area == conformance.SinkArea && r.Outcome == conformance.Skipped {
		return // printReport says so of all of them
	}
	text := r.Text
	if r.Outcome == conformance.Skipped {
		text = r.Seen
	}
	fmt.Fprintf(w, "%-4s  %-25s %s\n", verdicts[r.Outcome], r.ID, text)
	if r.Outcome == conformance.Failed {
		fmt.Fprintf(w, "%32sseen: %s\n", "", strings.ReplaceAll(r.Seen, "\n", " "))
	}
}

// printSinkless says once what no binary alone can be asked.
func printSinkless(w io.Writer, r *conformance.Report) {
	n := 0
	for _, one := range r.Results {
		if one.Area == conformance.SinkArea && one.Outcome == conformance.Skipped {
			n++
		}
	}
	if n > 0 {
		fmt.Fprintf(w, "skip  %-25s %d rules of what arrives at the destination; in a Go test backendtest.WithSink checks them\n", "sink-...", n)
	}
}

func printReport(cmd *cobra.Command, r *conformance.Report, asJSON bool) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		version := ""
		if r.Version != "" {
			version = " " + r.Version
		}
		printSinkless(cmd.OutOrStdout(), r)
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%s%s: %d rules kept, %d broken, %d not checked\n", r.Backend, version, r.Passed, r.Failed, r.Skipped)
	}
	if err != nil {
		return &exitError{exitFailed, fmt.Errorf("print the report: %w", err)}
	}
	if r.Failed > 0 {
		return &exitError{exitFailed, errors.New("the backend does not keep all rules")}
	}
	return nil
}
