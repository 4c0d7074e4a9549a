// Command spanloom-backend-otlp sends runs to an OTLP collector, as a backend in a file of its own.
package main

import (
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/otlp"
)

func main() { backend.Serve(otlp.New()) }
