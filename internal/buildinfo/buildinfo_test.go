package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"installed":  {debug.BuildInfo{Main: debug.Module{Path: Module, Version: "v1.2.3"}}, "v1.2.3"},
		"dependency": {debug.BuildInfo{Deps: []*debug.Module{{Path: Module, Version: "v1.2.3"}}}, "v1.2.3"},
		"replaced": {debug.BuildInfo{Deps: []*debug.Module{
			{Path: Module, Version: "v1.2.3", Replace: &debug.Module{Path: "../spanloom"}},
		}}, devel},
		"test binary": {debug.BuildInfo{}, devel},
	} {
		if got := version(&tc.info); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
