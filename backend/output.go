package backend

import (
	"fmt"
	"sync"
)

// maxOutput bounds the text that waits for the next answer to the host.
const maxOutput = 3 << 20

// output keeps what an instance writes until it can be sent to the host.
type output struct {
	mu  sync.Mutex
	buf []byte
	cut int
}

// Write implements io.Writer. It never fails: what does not fit is cut.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf)+len(p) > maxOutput {
		o.cut += len(p)
		return len(p), nil
	}
	o.buf = append(o.buf, p...)
	return len(p), nil
}

// take returns what was written since the last call.
func (o *output) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.buf
	o.buf = nil
	if o.cut > 0 {
		p = fmt.Appendf(p, "\n... %d bytes of output cut\n", o.cut)
		o.cut = 0
	}
	return p
}
