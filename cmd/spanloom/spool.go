package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

func spoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "See to telemetry that is kept on the disk",
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(spoolReplayCommand())
	return cmd
}

func spoolReplayCommand() *cobra.Command {
	var asJSON bool
	var file, service, dir string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "replay [BACKEND...]",
		Short: "Send the telemetry that programs have left on the disk",
		Long: `Send the telemetry that programs with the manifest could not deliver before they
ended, by way of its backends with durable delivery, or those that are named there
BACKEND. Run it as the user of the programs and in their environment. What a program
that runs has not delivered yet is left to it.

What is kept for a service whose name is in the manifest no more is sent with --service,
and what is in a directory to which the manifest does not lead any more, as delivery.dir
or durable has changed, with --dir: the directory in the line about what was kept.

A collector that does not answer is tried again and again, for a minute or as long as
--timeout says, and the backends have a second more to end; what is left then stays on
the disk.

Exit codes: 0 nothing is left, 2 usage, 3 invalid manifest, 4 something is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return &exitError{exitUsage, fmt.Errorf("--timeout %s leaves no time to wait; write one like 1m", timeout)}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			m, err := load(file, "")
			if err != nil {
				return loadError(err)
			}
			if service != "" {
				m.Telemetry.Service.Name = service
			}
			names, err := durableNames(m, args, dir)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			list, failed, err := replayAll(ctx, file, service, dir, names)
			if err != nil {
				return err
			}
			if err := printReplayed(cmd, list, asJSON); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the result: %w", err)}
			}
			if failed != nil {
				return &exitError{exitBackend, failed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.Flags().StringVar(&file, "manifest", "", "the `file` to use instead of what SPANLOOM_MANIFEST names, or ./spanloom.yaml")
	cmd.Flags().StringVar(&service, "service", "", "the `name` of the service whose telemetry to send, instead of that in the manifest")
	cmd.Flags().StringVar(&dir, "dir", "", "the `directory` with what one BACKEND has kept, instead of that in the manifest")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to try, with a collector that does not answer")
	return cmd
}

// durableNames returns the backends to replay: those that are named, or "", which is
// all at once. What is in dir, unless that is "", is of one, durable or not.
func durableNames(m *manifest.Manifest, named []string, dir string) ([]string, error) {
	if dir != "" && len(named) != 1 {
		return nil, errors.New("--dir has what one backend has kept; name that, as in: spanloom spool replay main --dir DIR")
	}
	var durable, all []string
	for _, b := range m.Telemetry.Backends {
		all = append(all, b.Name)
		if b.Delivery.Durable || dir != "" {
			durable = append(durable, b.Name)
		}
	}
	for _, name := range named {
		switch {
		case !slices.Contains(all, name):
			return nil, &spanloom.UnknownBackendError{Name: name, Known: all}
		case !slices.Contains(durable, name):
			return nil, fmt.Errorf("the delivery of backend %q is not durable, so that nothing of it is on the disk", name)
		}
	}
	switch {
	case !m.Telemetry.Enabled || manifest.Disabled(manifest.Options{}):
		return nil, errors.New("telemetry is off, so that nothing is sent")
	case len(durable) == 0:
		return nil, errors.New("no backend of the manifest has a durable delivery; write delivery: { durable: true } for one")
	case m.Telemetry.Service.Name == "":
		return nil, errors.New("the service has no name under which to send; write telemetry.service.name, or set OTEL_SERVICE_NAME as for the program")
	case len(named) > 0:
		return slices.Compact(slices.Sorted(slices.Values(named))), nil
	default:
		return []string{""}, nil
	}
}

// replayed is what became of what was in a spool, in events.
type replayed struct {
	Name   string `json:"name"`
	Found  uint64 `json:"found"`
	Sent   uint64 `json:"sent"`
	Failed uint64 `json:"failed"` // the backend could not export these, and never will
	// The backend takes none of these: metrics, for example.
	Ignored uint64 `json:"ignored"`
	Lost    uint64 `json:"lost"` // these were too old, or damaged
	Left    uint64 `json:"left"`
}

// replayAll returns what became of the spools of backends. failed says why something
// is left.
func replayAll(ctx context.Context, file, service, dir string, names []string) (list []replayed, failed, err error) {
	for _, name := range names {
		var opts []spanloom.Option
		if name != "" {
			opts = append(opts, spanloom.OnlyBackend(name))
		}
		if service != "" {
			opts = append(opts, spanloom.ForService(service))
		}
		if dir != "" {
			opts = append(opts, spanloom.FromSpool(dir))
		}
		if file != "" {
			opts = append(opts, spanloom.WithManifest(file))
		}
		stats, err := spanloom.Replay(ctx, opts...)
		if len(stats) == 0 && err != nil {
			return nil, nil, &exitError{exitFailed, err}
		}
		failed = errors.Join(failed, err)
		for _, s := range stats {
			list = append(list, fateOf(s))
		}
	}
	return list, failed, nil
}

func fateOf(s pluginhost.Stats) replayed {
	r := replayed{Name: s.Name}
	if s.Spool != nil {
		r.Found, r.Sent, r.Failed, r.Ignored, r.Left = s.Spool.Adopted, s.Spool.Delivered, s.Spool.Failed, s.Spool.Ignored, s.Spool.Waiting
		if known := r.Sent + r.Failed + r.Ignored + r.Left; known < r.Found {
			r.Lost = r.Found - known
		}
	}
	return r
}

func printReplayed(cmd *cobra.Command, list []replayed, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	for _, r := range list {
		var more strings.Builder
		if r.Failed > 0 {
			fmt.Fprintf(&more, ", %d that cannot be exported", r.Failed)
		}
		if r.Ignored > 0 {
			fmt.Fprintf(&more, ", %d that the backend takes none of", r.Ignored)
		}
		if r.Lost > 0 {
			fmt.Fprintf(&more, ", %d too old or damaged", r.Lost)
		}
		if r.Left > 0 {
			fmt.Fprintf(&more, ", %d left", r.Left)
		}
		if _, err := fmt.Fprintf(out, "%s: %d of %d events sent%s\n", r.Name, r.Sent, r.Found, more.String()); err != nil {
			return err
		}
	}
	return nil
}
