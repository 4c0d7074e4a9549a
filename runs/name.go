package runs

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

const suffix = ".run"

// fileName makes a file name of a run id: as much of it as is safe and short,
// for people, and its hash, which tells ids apart.
func fileName(id string) string {
	var b strings.Builder
	for i := 0; i < len(id) && b.Len() < 40; i++ {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
			b.WriteByte(c)
		case b.Len() > 0 && b.String()[b.Len()-1] != '-':
			b.WriteByte('-')
		}
	}
	readable := strings.TrimSuffix(b.String(), "-")
	if readable == "" {
		readable = "run"
	}
	sum := sha256.Sum256([]byte(id))
	return readable + "-" + hex.EncodeToString(sum[:16]) + suffix
}

// quoted is an id as it stands in messages.
func quoted(id string) string {
	if len(id) > 100 {
		return strconv.Quote(id[:100]) + "…"
	}
	return strconv.Quote(id)
}
