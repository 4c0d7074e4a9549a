package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/manifest"
)

// level says how bad a finding is.
type level string

const (
	fine    level = "ok"
	warning level = "warning"
	problem level = "problem"
)

// finding is what the doctor has seen in one place.
type finding struct {
	Level   level  `json:"level"`
	Check   string `json:"check"`             // what was looked at
	Subject string `json:"subject,omitempty"` // which of them
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// diagnosis is all that was found, in the order in which telemetry passes by.
type diagnosis struct {
	Findings []finding `json:"findings"`
	Problems int       `json:"problems"`
	Warnings int       `json:"warnings"`

	err error // of the manifest
}

func (d *diagnosis) add(list ...finding) {
	for _, f := range list {
		switch f.Level {
		case warning:
			d.Warnings++
		case problem:
			d.Problems++
		case fine:
		}
		d.Findings = append(d.Findings, f)
	}
}

// examination says what to look at.
type examination struct {
	file    string
	runs    string
	timeout time.Duration
	start   bool

	unlocked bool // start backends that the lock file does not allow
}

func doctorCommand() *cobra.Command {
	var asJSON, noStart bool
	var x examination
	cmd := &cobra.Command{
		Use:   "doctor [FILE]",
		Short: "Look for what keeps telemetry from arriving",
		Long: `Look for what keeps telemetry from arriving: at the manifest and the files that
lie over it, the environment, the files of backends, the way to each destination,
what is kept on the disk, sockets, clock and terminal. Run it as the user of the
program, in its directory and its environment. Without FILE it looks at the manifest that
SPANLOOM_MANIFEST names, or ./spanloom.yaml.

It starts the backends and sends the telemetry of a small run, as telemetry test
does; --no-start leaves that out. What programs keep on the disk is left alone.

Exit codes: 0 no problem, 2 usage or no such FILE, 3 invalid manifest, 4 another problem. Warnings
change nothing.`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && x.file != "":
				return &exitError{exitUsage, errors.New("FILE and --manifest exclude each other; name the file once")}
			case len(args) > 0:
				x.file = args[0]
			}
			if x.timeout <= 0 {
				return &exitError{exitUsage, fmt.Errorf("--timeout %s leaves no time to wait; write one like 10s", x.timeout)}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			x.start = !noStart
			d := examine(ctx, x)
			show := d.print
			if asJSON {
				show = d.printJSON
			}
			if err := show(cmd.OutOrStdout()); err != nil {
				return &exitError{exitFailed, fmt.Errorf("print the findings: %w", err)}
			}
			return d.verdict()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	cmd.Flags().BoolVar(&noStart, "no-start", false, "start and send nothing")
	cmd.Flags().BoolVar(&x.unlocked, "allow-unlocked", false, "start backends that the lock file does not allow, with a warning; for development")
	cmd.Flags().StringVar(&x.file, "manifest", "", "the `file` to use instead of what SPANLOOM_MANIFEST names, or ./spanloom.yaml")
	cmd.Flags().StringVar(&x.runs, "runs", "", "the `directory` in which the program keeps runs, if it does")
	cmd.Flags().DurationVar(&x.timeout, "timeout", 5*time.Second, "how long to wait for the backends")
	return cmd
}

// examine looks at everything that can be looked at.
func examine(ctx context.Context, x examination) *diagnosis {
	d := &diagnosis{Findings: []finding{}}
	m, err := load(x.file, "")
	d.err = err
	d.add(checkManifest(x.file, m, err)...)
	d.add(checkEnvironment(m)...)
	if m != nil {
		d.add(checkTelemetry(m)...)
		d.add(checkBackendFiles(m, x.unlocked)...)
		if x.start && sends(m) {
			d.add(checkDelivery(ctx, x, m)...)
		}
		d.add(checkSpools(m)...)
	}
	if x.runs != "" {
		d.add(checkRuns(x.runs)...)
	}
	d.add(checkSockets()...)
	d.add(checkClock(m, time.Now()))
	d.add(checkTerminal(), versions())
	return d
}

// sends reports whether m has telemetry go anywhere.
func sends(m *manifest.Manifest) bool {
	return m.Telemetry.Enabled && len(m.Telemetry.Backends) > 0 && !manifest.Disabled(manifest.Options{})
}

func (d *diagnosis) print(out io.Writer) error {
	for _, f := range d.Findings {
		what := f.Check
		if f.Subject != "" {
			what += " " + f.Subject
		}
		if _, err := fmt.Fprintf(out, "%-8s %s: %s\n", f.Level, what, f.Message); err != nil {
			return err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(out, "%-8s %s\n", "", f.Fix); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(out, "%s, %s\n", counted(d.Problems, "problem"), counted(d.Warnings, "warning"))
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (d *diagnosis) printJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// verdict is an error when there is a problem.
func (d *diagnosis) verdict() error {
	switch {
	case d.err != nil:
		if exit, ok := errors.AsType[*exitError](loadError(d.err)); ok && exit.code == exitUsage {
			return &exitError{exitUsage, errors.New("the manifest is not there")}
		}
		return &exitError{exitInvalidManifest, errors.New("the manifest is not valid")}
	case d.Problems > 0:
		return &exitError{exitBackend, fmt.Errorf("%s found", counted(d.Problems, "problem"))}
	default:
		return nil
	}
}
