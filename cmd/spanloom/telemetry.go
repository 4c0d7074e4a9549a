package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/internal/tryout"
	"github.com/spanloom/spanloom/pluginhost"
)

func telemetryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "telemetry",
		Short: "Try telemetry out",
		Args:  subcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(telemetryTestCommand())
	return cmd
}

func telemetryTestCommand() *cobra.Command {
	var asJSON, unlocked bool
	var file string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "test [BACKEND]",
		Short: "Send the telemetry of a small run, and say what was accepted",
		Long: `Send the telemetry of a small run, whatever the sampling, to all backends of the
manifest or to the one that is named there BACKEND, and say for each how much of it
was accepted. The trace id is what to look for at the other end.

Exit codes: 0 all was accepted, 2 usage, 3 invalid manifest, 4 something was not.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case timeout <= 0:
				return &exitError{exitUsage, fmt.Errorf("--timeout %s leaves no time to wait; write one like 10s", timeout)}
			case len(args) > 0 && args[0] == "":
				return &exitError{exitUsage, errors.New("the name of the backend is empty; leave it out for all of them, or write one that the manifest has")}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			if _, err := load(file, ""); err != nil {
				return loadError(err)
			}
			var opts []spanloom.Option
			if file != "" {
				opts = append(opts, spanloom.WithManifest(file))
			}
			if len(args) > 0 {
				if ext := filepath.Ext(args[0]); ext == ".yaml" || ext == ".yml" {
					return &exitError{exitUsage, fmt.Errorf("%q is no name of a backend; for a manifest, write --manifest %[1]s", args[0])}
				}
				opts = append(opts, spanloom.OnlyBackend(args[0]))
			}
			if unlocked {
				opts = append(opts, spanloom.AllowUnlocked())
			}
			r, err := tryOut(ctx, timeout, opts...)
			if err != nil {
				return err
			}
			if err := r.print(cmd, asJSON); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the result: %w", err)}
			}
			return r.verdict()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.Flags().BoolVar(&unlocked, "allow-unlocked", false, "start backends that the lock file does not allow, with a warning; for development")
	cmd.Flags().StringVar(&file, "manifest", "", "the `file` to use instead of what SPANLOOM_MANIFEST names, or ./spanloom.yaml")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for the backends")
	return cmd
}

// tried is what came of a run that was sent to try telemetry out.
type tried struct {
	TraceID  string         `json:"trace_id"`
	Backends []triedBackend `json:"backends"`

	checks []spanloom.Check
}

type triedBackend struct {
	Name     string `json:"name"`
	Sent     uint64 `json:"sent"`
	Accepted uint64 `json:"accepted"`

	Dropped  map[pluginhost.Reason]uint64 `json:"dropped"`
	InFlight uint64                       `json:"in_flight"`
	Kept     uint64                       `json:"kept"`

	Problem string `json:"problem,omitempty"`

	ledger string

	err error // behind Problem
}

// sampled makes the run the root of a sampled trace.
type sampled struct {
	callbacks.Funcs

	id callbacks.Identity
}

// RunIdentity implements callbacks.RunIdentity.
func (s sampled) RunIdentity(context.Context) (callbacks.Identity, bool) { return s.id, true }

// small is a pipeline with something of everything.
var small = engine.Define("telemetry-test", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
	list := engine.Add(g, engine.Node("list", func(_ context.Context, n int) ([]int, error) { return make([]int, n), nil }), n)
	each := engine.Map(g, engine.Node("each", func(_ context.Context, n int) (int, error) { return n, nil }), list)
	return engine.Add(g, engine.Node("count", func(_ context.Context, l []int) (int, error) { return len(l), nil }), each)
})

// timeoutVariable bounds the exports of backends whose config has no timeout, in
// milliseconds (OTLP Exporter Configuration, in OpenTelemetry's specification).
const timeoutVariable = "OTEL_EXPORTER_OTLP_TIMEOUT"

func tryOut(ctx context.Context, timeout time.Duration, opts ...spanloom.Option) (*tried, error) {
	if os.Getenv(timeoutVariable) == "" {
		// A backend that gives up before this command does says why.
		_ = os.Setenv(timeoutVariable, strconv.FormatInt(max((timeout-timeout/5).Milliseconds(), 1), 10))
	}
	tel, err := spanloom.Open(ctx, opts...)
	if err != nil {
		code := exitBackend
		if _, unknown := errors.AsType[*spanloom.UnknownBackendError](err); unknown {
			code = exitUsage
		}
		return nil, &exitError{code, err}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := callbacks.NewIdentity()
	list := append([]callbacks.PipelineCallback{sampled{id: id}}, tel.Callbacks()...)
	_, err = small.Run(ctx, 2, engine.Config{Callbacks: list})
	flushed := tel.Flush(ctx)
	r := &tried{TraceID: id.TraceID.String(), Backends: []triedBackend{}}
	for _, s := range tel.Stats() {
		r.Backends = append(r.Backends, fate(s, flushed))
	}
	if tryout.Is(ctx) {
		asking, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		r.checks = tel.Check(asking)
		end()
	}
	if r.verdict() != nil {
		ctx = output.Quiet(ctx) // it says what was lost, and why
	}
	_ = tel.Shutdown(ctx) // what was accepted does not change by that
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	if len(r.Backends) == 0 {
		return nil, &exitError{exitBackend, errors.New("there is no backend: telemetry is off, or the manifest has none")}
	}
	return r, nil
}

// fate says what a backend did with what it was sent. flushed is what Flush said of
// all backends.
func fate(s pluginhost.Stats, flushed error) triedBackend {
	b := triedBackend{
		Name: s.Name, Sent: s.Emitted, Accepted: s.Delivered,
		Dropped: s.Dropped, InFlight: s.InFlight, Kept: s.Kept, ledger: s.Ledger(),
	}
	if held := s.Losses; held.Spans+held.DataPoints+held.LogRecords > 0 {
		b.ledger += fmt.Sprintf("; an export counts 1 here, and those that were dropped held %s", pluginhost.Losses{Spans: held.Spans, DataPoints: held.DataPoints, LogRecords: held.LogRecords})
	}
	switch {
	case b.Sent == b.Accepted:
	case s.Err != nil:
		b.Problem, b.err = s.Err.Error(), s.Err
	case about(b.Name, flushed) != nil:
		b.Problem = about(b.Name, flushed).Error()
	default:
		b.Problem = fmt.Sprintf("backend %q has not accepted all of it", s.Name)
	}
	return b
}

// about returns what of the joined errors is about a backend, or else all.
func about(name string, err error) error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	for _, e := range list.Unwrap() {
		if strings.Contains(e.Error(), fmt.Sprintf("backend %q", name)) {
			return e
		}
	}
	return err
}

func (r *tried) print(cmd *cobra.Command, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	if _, err := fmt.Fprintf(out, "trace %s\n", r.TraceID); err != nil {
		return err
	}
	for _, b := range r.Backends {
		if _, err := fmt.Fprintf(out, "%s: %d of %d events accepted\n", b.Name, b.Accepted, b.Sent); err != nil {
			return err
		}
		if b.Accepted == b.Sent {
			continue
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", b.Name, b.ledger); err != nil {
			return err
		}
	}
	return nil
}

// verdict is an error when something was not accepted.
func (r *tried) verdict() error {
	if !slices.ContainsFunc(r.Backends, func(b triedBackend) bool { return b.Accepted < b.Sent }) {
		return nil
	}
	var lines []string
	for _, b := range r.Backends {
		if b.Problem != "" && !slices.Contains(lines, b.Problem) {
			lines = append(lines, b.Problem)
		}
	}
	return &exitError{exitBackend, errors.New(strings.Join(lines, "\n"))}
}
