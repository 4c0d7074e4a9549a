package pluginhost

import (
	"os"
	"strings"
	"sync"
	"time"
)

// handshakeReader reads a process's standard output for go-plugin, which stops
// reading for good at a line of 64 KiB: longer lines are cut. It keeps what the
// process said in place of a handshake.
type handshakeReader struct {
	r *os.File

	mu    sync.Mutex
	first []byte // the first line
	line  []byte // the beginning of a later one
	lines int    // that have ended
	width int    // of the current line so far
	long  bool   // the first line was cut
	late  bool   // a handshake came, but not first
}

const (
	maxLine  = 32 << 10
	maxFirst = 4 << 10 // more than is shown, not to cut what is redacted
	maxShown = 200

	// lookLonger is how long a handshake is waited for behind other lines.
	lookLonger = 2 * time.Second
)

// Read implements io.Reader.
func (h *handshakeReader) Read(p []byte) (int, error) {
	for {
		n, err := h.r.Read(p)
		before := h.ended()
		kept := h.keep(p[:n])
		if !before && h.ended() && !isHandshake(h.said()) {
			h.lookFurther() // go-plugin ends the process as soon as it has the line
		}
		if len(kept) > 0 || err != nil {
			return len(kept), err //nolint:wrapcheck // io.EOF as it is
		}
	}
}

// keep returns what go-plugin gets of data, in its place.
func (h *handshakeReader) keep(data []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := data[:0]
	for _, c := range data {
		if c == '\n' {
			h.late = h.late || h.lines > 0 && isHandshake(string(h.line))
			h.line = h.line[:0]
			h.lines++
			if h.width < maxLine {
				kept = append(kept, c)
			}
			h.width = 0
			continue
		}
		switch {
		case h.lines == 0 && len(h.first) < maxFirst:
			h.first = append(h.first, c)
		case h.lines > 0 && len(h.line) < maxShown:
			h.line = append(h.line, c)
		}
		h.width++
		switch {
		case h.width < maxLine:
			kept = append(kept, c)
		case h.width == maxLine:
			h.long = h.long || h.lines == 0
			kept = append(kept, '\n') // and nothing more of this line
		}
	}
	return kept
}

// lookFurther waits for a handshake behind other lines: then it is a backend
// after all.
func (h *handshakeReader) lookFurther() {
	_ = h.r.SetReadDeadline(time.Now().Add(lookLonger))
	var buf [4 << 10]byte
	for !h.isLate() {
		n, err := h.r.Read(buf[:])
		h.keep(buf[:n])
		if err != nil {
			break
		}
	}
}

// Close implements io.Closer.
func (h *handshakeReader) Close() error { return h.r.Close() } //nolint:wrapcheck // as it is

// said returns the beginning of the first line.
func (h *handshakeReader) said() string {
	if h == nil {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.first)
}

// ended reports whether go-plugin can have the first line.
func (h *handshakeReader) ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines > 0 || h.long
}

func (h *handshakeReader) isLong() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.long
}

func (h *handshakeReader) isLate() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.late
}

// isHandshake reports whether a line has the shape of go-plugin's handshake.
func isHandshake(line string) bool {
	version, _, _ := strings.Cut(line, "|")
	return version != "" && strings.Trim(version, "0123456789") == "" && strings.Count(line, "|") >= 3
}

// endReader tells when all of a pipe was read.
type endReader struct {
	*os.File

	once  sync.Once
	ended chan struct{}
}

// Read implements io.Reader.
func (r *endReader) Read(p []byte) (int, error) {
	n, err := r.File.Read(p)
	if err != nil {
		r.once.Do(func() { close(r.ended) })
	}
	return n, err //nolint:wrapcheck // io.EOF as it is
}
