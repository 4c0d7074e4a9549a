package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

func backendLockCommand() *cobra.Command {
	var asJSON bool
	var file, mode string
	var add []string
	cmd := &cobra.Command{
		Use:   "lock [NAME...]",
		Short: "Allow the bytes of backends to run",
		Long: `Allow the bytes of backends to run: note their SHA-256 sums, their version and the
schema of their config in the lock file, spanloom.lock unless the manifest says
otherwise. Sums of other platforms stay, unless the version, the schema or the command
has changed. Review the change and commit it with the manifest.

Without NAME it is done for all backends of the manifest that are not built in.
Each is started once, without its config and with the variables that the manifest
gives it, and asked what it is: lock what you trust only.

--add notes the sum of a plugin's file for another platform, which is not started.

Exit codes: 0 done, 1 the lock file could not be written, 2 usage, 3 invalid manifest,
4 a backend could not be started.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(add) > 0 && len(names) != 1 {
				return &exitError{exitUsage, errors.New("--add needs one NAME, that of a plugin")}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			m, err := load(file, mode)
			if err != nil {
				return loadError(err)
			}
			var list []catalog.Locked
			if len(add) > 0 {
				list, err = addAll(m, names[0], add)
			} else {
				list, err = catalog.Update(ctx, m, names)
			}
			if err != nil {
				return &exitError{lockCode(err), err}
			}
			if err := printLocked(cmd, m, list, asJSON); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the result: %w", err)}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was locked as JSON")
	cmd.Flags().StringVar(&file, "manifest", "", "the `file` to use instead of what SPANLOOM_MANIFEST names, or ./spanloom.yaml")
	cmd.Flags().StringArrayVar(&add, "add", nil, "`GOOS/GOARCH=FILE`: the file of NAME for another platform")
	modeFlag(cmd, &mode)
	return cmd
}

// lockCode is the exit code for an error of locking.
func lockCode(err error) int {
	var start *pluginhost.StartError
	var add *addError
	switch {
	case errors.Is(err, catalog.ErrNoBackend), errors.As(err, &add):
		return exitUsage
	case errors.As(err, &start):
		return exitBackend
	default:
		return exitFailed
	}
}

// addError says that a flag is wrong.
type addError struct{ text string }

func (e *addError) Error() string {
	return fmt.Sprintf("--add %q is not of the form GOOS/GOARCH=FILE; write one like linux/arm64=./dist/arm64/spanloom-backend-mine", e.text)
}

func addAll(m *manifest.Manifest, name string, add []string) ([]catalog.Locked, error) {
	var list []catalog.Locked
	for _, text := range add {
		platform, path, ok := strings.Cut(text, "=")
		if !ok || path == "" || strings.Count(platform, "/") != 1 {
			return nil, &addError{text}
		}
		locked, err := catalog.Add(m, name, platform, path)
		if err != nil {
			return nil, err
		}
		list = append(list, locked)
	}
	return list, nil
}

// lockedBackend is what was locked, as JSON.
type lockedBackend struct {
	Name    string            `json:"name"`
	Version string            `json:"version,omitempty"`
	SHA256  map[string]string `json:"sha256"`
	Removed []string          `json:"removed_platforms,omitempty"`
}

func printLocked(cmd *cobra.Command, m *manifest.Manifest, list []catalog.Locked, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		shown := []lockedBackend{}
		for _, l := range list {
			shown = append(shown, lockedBackend{l.Name, l.Version, l.Sums, l.Gone})
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(shown)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "there is nothing to lock: all backends of the manifest are built in or at an address")
		return err
	}
	for _, l := range list {
		fmt.Fprintln(out, strings.TrimSpace(l.Name+" "+l.Version))
		for _, file := range slices.Sorted(maps.Keys(l.Sums)) {
			fmt.Fprintf(out, "  %s  %s\n", l.Sums[file], file)
		}
		if len(l.Gone) > 0 {
			fmt.Fprintf(out, "  removed, because they were of another version: %s\n", strings.Join(l.Gone, ", "))
		}
	}
	_, err := fmt.Fprintf(out, "%s is written: review it and commit it\n", m.Plugins.Lock)
	return err
}
