package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/internal/wire"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// checkSockets looks at the directories of backends' sockets.
func checkSockets() (list []finding) {
	const check = "sockets"
	dirs, err := pluginhost.RunDirs()
	if err != nil {
		message, fix := parted(err.Error(), err)
		list = append(list, finding{problem, check, "", message, fix})
	} else {
		list = append(list, finding{fine, check, "", "backends can be given a socket", ""})
	}
	var stale []string
	for _, d := range dirs {
		if !d.InUse {
			stale = append(stale, d.Path)
		}
	}
	if len(stale) > 0 {
		what := stale[0]
		if n := len(stale) - 1; n > 0 {
			what += fmt.Sprintf(" and %d more like it", n)
		}
		list = append(list, finding{
			warning, check, "", "programs that were killed have left " + what,
			"nothing: the next start removes them. If it does not, remove them",
		})
	}
	return list
}

// checkClock looks for a clock that is behind: at the other end telemetry would be in
// the past, where nobody looks, and certificates would not be valid yet.
func checkClock(m *manifest.Manifest, now time.Time) finding {
	const check, slack = "clock", time.Minute
	f := finding{fine, check, "", "it says " + now.Format(time.RFC3339), ""}
	var files []string
	if exe, err := os.Executable(); err == nil {
		files = append(files, exe)
	}
	if m != nil && m.File != "" {
		files = append(files, m.File)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && info.ModTime().After(now.Add(slack)) {
			f.Level = warning
			f.Message += fmt.Sprintf(", and %s was changed after that, %s", file, info.ModTime().Format(time.RFC3339))
			f.Fix = "set the clock, if it is behind"
			break
		}
	}
	return f
}

// checkTerminal tells where the console backend would write.
func checkTerminal() finding {
	f := finding{fine, "terminal", "", "standard error is none", ""}
	fd := int(os.Stderr.Fd())
	if term.IsTerminal(fd) {
		f.Message = "standard error is one"
		if width, _, err := term.GetSize(fd); err == nil {
			f.Message += ", " + strconv.Itoa(width) + " columns wide"
		}
	}
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE"} {
		if os.Getenv(name) != "" {
			f.Message += "; " + name + " is set"
		}
	}
	if os.Getenv("TERM") == "dumb" {
		f.Message += "; TERM is dumb"
	}
	return f
}

// versions tells what runs.
func versions() finding {
	return finding{
		fine, "version", "", fmt.Sprintf("%s %s, %s, %s/%s, protocol version %d",
			buildinfo.Module, buildinfo.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, wire.ProtocolVersion), "",
	}
}

// clean makes visible in a value what a terminal might obey.
func clean(s string) string {
	q := strconv.QuoteToGraphic(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
