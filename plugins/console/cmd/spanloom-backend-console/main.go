// Command spanloom-backend-console shows runs as a tree, as a backend in a file of its own.
package main

import (
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/console"
)

func main() { backend.Serve(console.New()) }
