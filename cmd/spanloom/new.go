package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/scaffold"
)

func backendNewCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the sources of a new backend",
		Long: `Write the sources of a new backend into ./spanloom-backend-NAME, or another
directory that does not exist yet: a main, a test, and what builds, lints and
releases it. Nothing is downloaded or started.

Exit codes: 0 written, 1 not written, 2 usage.`,
		Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if err := scaffold.CheckName(name); err != nil {
				return &exitError{exitUsage, err}
			}
			if _, taken := catalog.Lookup(name); taken {
				return &exitError{exitUsage, fmt.Errorf("%q is the name of a built-in backend; choose another", name)}
			}
			if dir == "" {
				dir = "spanloom-backend-" + name
			}
			if err := scaffold.Write(dir, name, required()); err != nil {
				return &exitError{exitFailed, err}
			}
			fmt.Fprintf(cmd.ErrOrStderr(), `%[1]s is written. Go on with:

    cd %[1]s
    go get github.com/spanloom/spanloom && go mod tidy
    make test build
`, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the directory to write, instead of ./spanloom-backend-NAME")
	return cmd
}

// released is the form of a version that can be required.
var released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// required is the version of Spanloom that a new backend needs: that of this program,
// if it is a release.
func required() string {
	if v := buildinfo.Version(); released.MatchString(v) {
		return v
	}
	return ""
}
