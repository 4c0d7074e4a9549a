package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
)

func modeFlag(cmd *cobra.Command, mode *string) {
	cmd.Flags().StringVar(mode, strings.TrimPrefix(manifest.ModeFlag, "--"), "", "dev, staging or prod, instead of "+manifest.ModeVar+" and the manifest")
}

// load returns the manifest at path, or the one that a program here would use.
func load(path, mode string) (*manifest.Manifest, error) {
	return catalog.Load(path, nil, manifest.Options{
		Mode:     mode,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())),
	})
}

// loadError is an error of load with its exit code: a flag that is wrong is a
// matter of usage, and so is a manifest that is not there.
func loadError(err error) error {
	var list manifest.Errors
	if errors.As(err, &list) && list[0].File == manifest.ModeFlag {
		return &exitError{exitUsage, list[0]}
	}
	if list == nil && errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitUsage, err}
	}
	return &exitError{exitInvalidManifest, err}
}

// noManifest says that there is none.
const noManifest = "there is no " + manifest.FileName + " here, and " + manifest.EnvVar + " is not set"

// files names what a manifest was read from.
func files(m *manifest.Manifest) string {
	if m.Overlay == "" {
		return m.File
	}
	return m.File + " with " + m.Overlay
}
