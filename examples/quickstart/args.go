package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Quickstart analyses the Go files below a directory with a nested pipeline, and
prints how many lines, functions and types its packages have.

    go run ./examples/quickstart [DIR]

DIR defaults to the directory in which it runs.
`

// directory returns the directory that the program is to analyse. It ends the program
// when that was asked for help, with code 0, or has arguments that it does not take,
// with code 2.
func directory() string {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	err := flags.Parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		os.Exit(0)
	}
	if err == nil && flags.NArg() > 1 {
		err = fmt.Errorf("%d arguments; it takes one directory", flags.NArg())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "quickstart: %v\n\n%s", err, usage)
		os.Exit(2)
	}
	if flags.NArg() == 0 {
		return "."
	}
	return flags.Arg(0)
}
