package otlpclient

import (
	"fmt"
	"sync"
	"time"
)

// doing is what a client has begun and not finished.
type doing struct {
	mu    sync.Mutex
	n     int       // of requests
	since time.Time // the first of them
	last  string    // why an attempt since then failed
}

func (d *doing) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n++; d.n == 1 {
		d.since, d.last = time.Now(), ""
	}
}

func (d *doing) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n--
}

func (d *doing) failed(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = text
}

// Doing says for how long an export has been under way, and why its last attempt
// failed; it is "" when there is none.
func (c *Client) Doing() string {
	c.doing.mu.Lock()
	defer c.doing.mu.Unlock()
	if c.doing.n == 0 {
		return ""
	}
	text := fmt.Sprintf("export to %s: under way for %s", c.settings.Endpoint, time.Since(c.doing.since).Round(100*time.Millisecond))
	if c.doing.last == "" {
		return text + ", no answer so far"
	}
	return text + ", last attempt: " + c.doing.last
}
