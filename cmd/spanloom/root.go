package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/buildinfo"
)

// The exit codes. Scripts rely on them.
const (
	exitOK              = 0
	exitFailed          = 1
	exitUsage           = 2
	exitInvalidManifest = 3
	exitBackend         = 4
)

// exitError is an error with the code to exit with.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// run runs a command line. Data goes to stdout; what is for people, to stderr.
func run(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "spanloom",
		Short:         "Check Spanloom manifests and telemetry backends",
		Version:       buildinfo.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(validateCommand(), configCommand(), backendCommand(), telemetryCommand(), spoolCommand(), reloadCommand(), doctorCommand(), versionCommand())

	err := root.Execute()
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		fmt.Fprintln(stderr, exit.err)
		return exit.code
	default: // cobra's own errors are about usage
		fmt.Fprintf(stderr, "spanloom: %v\nRun 'spanloom --help' for usage.\n", err)
		return exitUsage
	}
}

// subcommand refuses a word that is none of a command's own commands, and says which is
// near.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "\n\nDid you mean this?\n\t" + strings.Join(near, "\n\t") + "\n"
	}
	return errors.New(text)
}

// words makes a check of the number of arguments, which says what is missing by the
// words of the command's Use line. Fewer than least are too few, more than most too
// many; most is negative when there is no limit.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		_, want, _ := strings.Cut(cmd.Use, " ")
		var fault string
		switch {
		case len(args) < least:
			fault = strings.Fields(want)[len(args)] + " is missing"
		case most >= 0 && len(args) > most:
			fault = fmt.Sprintf("%q is one word too many", args[most])
		default:
			return nil
		}
		return &exitError{exitUsage, fmt.Errorf("%[1]s: %[2]s; write %[1]s %[3]s\nRun '%[1]s --help' for usage", cmd.CommandPath(), fault, want)}
	}
}
