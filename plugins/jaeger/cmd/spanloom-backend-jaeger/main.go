// Command spanloom-backend-jaeger sends runs to Jaeger, as a backend in a file of its own.
package main

import (
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/jaeger"
)

func main() { backend.Serve(jaeger.New()) }
