// Package buildinfo knows the version of Spanloom that a program was built with.
package buildinfo

import (
	"runtime/debug"
	"sync"
)

// Module is the path of the module.
const Module = "github.com/spanloom/spanloom"

// Version returns the version of the module, such as "v1.2.3", or "(devel)"
// when it was built from a working tree.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return devel
	}
	return version(info)
})

const devel = "(devel)"

func version(info *debug.BuildInfo) string {
	found := ""
	if info.Main.Path == Module {
		found = info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == Module {
			found = d.Version
			if d.Replace != nil {
				found = d.Replace.Version
			}
		}
	}
	if found == "" {
		return devel
	}
	return found
}
