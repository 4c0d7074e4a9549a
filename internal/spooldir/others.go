package spooldir

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spanloom/spanloom/internal/spool"
	"github.com/spanloom/spanloom/manifest"
)

// Other is a spool of a backend with something in it that no program sends, as it is of
// a service with another name.
type Other struct {
	Service, Dir string
	Events       uint64
	// Replay is the command that sends it.
	Replay string
}

// Others returns the spools of a backend of m for other services than s, in the order
// of their names. Where the manifest says the directory, or is no file, there is none.
func Others(m *manifest.Manifest, s manifest.Service, b manifest.Backend) (list []Other) {
	own := Of(m, s, b)
	if own == "" || b.Delivery.Dir != "" || m.File == "" {
		return nil
	}
	own = filepath.Dir(own)
	all, _ := os.ReadDir(filepath.Dir(own)) // what cannot be read is not ours
	for _, e := range all {
		name, ok := serviceOf(e.Name())
		if !ok || e.Name() == filepath.Base(own) {
			continue
		}
		o := Other{Service: name, Dir: filepath.Join(filepath.Dir(own), e.Name(), b.Name)}
		logs, _ := spool.Look(o.Dir) // as above
		for _, l := range logs {
			if !l.InUse {
				o.Events += l.Waiting.Events
			}
		}
		if o.Events > 0 {
			other := s
			other.Name = name
			o.Replay = Replay(m, other, b, o.Dir)
			list = append(list, o)
		}
	}
	return list
}

// Replay returns the command that sends what is kept of a backend of m for service s in
// dir, also when the manifest leads there no more; "" when there is none, as the manifest
// is no file.
func Replay(m *manifest.Manifest, s manifest.Service, b manifest.Backend, dir string) string {
	if m.File == "" {
		return ""
	}
	words := []string{"spanloom", "spool", "replay", b.Name, "--dir", quoted(absolute(dir))}
	if s.Name != "" {
		words = append(words, "--service", quoted(s.Name))
	}
	words = append(words, "--manifest", quoted(absolute(m.File)))
	if s.Mode != "" {
		words = append([]string{manifest.ModeVar + "=" + s.Mode}, words...)
	}
	return strings.Join(words, " ")
}

// quoted returns a word as a shell reads it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:@,+=", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
