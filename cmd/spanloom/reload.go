package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/control"
)

func reloadCommand() *cobra.Command {
	var asJSON bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "reload PID",
		Short: "Have a running program load its telemetry again",
		Long: `Have the program with the process id PID read its manifest again and exchange the
backends that have changed, and say what came of it. It must be a program of the same
user that has opened its telemetry with spanloom.WithReload; others are not touched.

Exit codes: 0 it has, 1 there is no such program, 2 usage, 3 the manifest is invalid, 4 a
new backend did not start. After 3 and 4 the program goes on as before.`,
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[0])
			switch {
			case err != nil || pid <= 0:
				return &exitError{exitUsage, fmt.Errorf("%q is not a process id; write a number such as 4711", args[0])}
			case timeout <= 0:
				return &exitError{exitUsage, fmt.Errorf("--timeout %s leaves no time to wait; write one like 1m", timeout)}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			list, err := control.Reload(ctx, pid)
			if errors.Is(err, control.ErrNobody) {
				return &exitError{exitFailed, fmt.Errorf("process %d has no telemetry that can be reloaded: it is not there, is another user's, or was not opened with spanloom.WithReload", pid)}
			}
			if err != nil {
				return &exitError{exitFailed, fmt.Errorf("reload of process %d: %w", pid, err)}
			}
			if err := printReload(cmd, list, asJSON); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the result: %w", err)}
			}
			return reloadVerdict(list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait")
	return cmd
}

func printReload(cmd *cobra.Command, list []control.Answer, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	for _, a := range list {
		if a.Error != "" {
			continue
		}
		for _, part := range [...]struct {
			what  string
			names []string
		}{{"added", a.Added}, {"replaced", a.Replaced}, {"removed", a.Removed}, {"not changed", a.Same}, {"for the next start", a.Later}} {
			if len(part.names) == 0 {
				continue
			}
			if _, err := fmt.Fprintf(out, "%s: %s\n", part.what, strings.Join(part.names, ", ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// reloadVerdict is an error when something stayed as it was.
func reloadVerdict(list []control.Answer) error {
	for _, a := range list {
		switch {
		case a.Invalid:
			return &exitError{exitInvalidManifest, errors.New(a.Error)}
		case a.Error != "":
			return &exitError{exitBackend, errors.New(a.Error)}
		}
	}
	return nil
}
