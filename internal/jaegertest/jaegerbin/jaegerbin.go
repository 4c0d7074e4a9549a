// Package jaegerbin says where the Jaeger binary of the tests is kept and
// builds it there. It is apart from jaegertest so that `make jaeger` runs
// without the testing package.
package jaegerbin

import (
	"context"
	"strings"

	"github.com/spanloom/spanloom/internal/serverbin"
)

// Version is the release the tests run against; its binary is Jaeger v2.
const Version = "v1.76.0"

var binary = serverbin.Binary{
	Name: "Jaeger", File: "jaeger", Variable: "SPANLOOM_JAEGER",
	Module: "github.com/jaegertracing/jaeger", Version: Version, Package: "./cmd/jaeger",
}

// Path returns where the binary belongs, whether or not it is there:
// $SPANLOOM_JAEGER, else a file named after the version in $SPANLOOM_CACHE,
// else the same in the user's cache directory.
func Path() (string, error) { return binary.Path() } //nolint:wrapcheck // it says all

// Config is a configuration for people, from the top of the checkout.
const Config = "examples/jaeger/jaeger.yaml"

// Command is a line for a shell, at the top of the checkout, that starts the binary at
// path. Without the variable Jaeger would store traces of itself.
func Command(path string) string {
	return "OTEL_TRACES_SAMPLER=always_off '" + strings.ReplaceAll(path, "'", `'\''`) + "' --config " + Config
}

// Build makes the binary if it is missing and returns its path.
func Build(ctx context.Context) (string, error) { return binary.Build(ctx) } //nolint:wrapcheck // it says all
