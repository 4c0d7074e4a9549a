package otlpclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 2 * time.Second
	// maxRetryAfter bounds what a collector can ask for.
	maxRetryAfter = 5 * time.Second
	// maxReply is the most bytes of a reply: a collector has little to say.
	maxReply = 64 << 10
	// connectTimeout is the most time until a connection stands.
	connectTimeout = 5 * time.Second
)

// transport makes one attempt. A failure that is not a *failure is for good.
type transport interface {
	// prepare makes of a request what all attempts send.
	prepare(request proto.Message) (any, error)
	// encoded does the same with a request that is encoded in a buffer. free lets go
	// of the buffer, which is used again when the transport has read it too.
	encoded(request *[]byte, buffers *buffers) (prepared any, free func(), err error)
	send(ctx context.Context, signal signal, prepared any, reply proto.Message) error
	close() error
}

// Client sends requests to one collector. It may be used concurrently.
type Client struct {
	settings  otlpconfig.Settings
	transport transport
	buffers   buffers
	stop      context.Context //nolint:containedctx // it ends with the client
	cancel    context.CancelFunc

	doing doing

	mu        sync.Mutex
	notBefore time.Time // the collector asked not to be called until then
}

// New returns a client. It connects with the first request.
func New(s otlpconfig.Settings) (*Client, error) {
	c := &Client{settings: s}
	c.stop, c.cancel = context.WithCancel(context.Background())
	if s.Protocol == otlpconfig.HTTPProtobuf {
		c.transport = newHTTP(s)
		return c, nil
	}
	t, err := newGRPC(s)
	if err != nil {
		return nil, c.explain(err, nil)
	}
	c.transport = t
	return c, nil
}

// Stop ends what is being sent, and the client with it.
func (c *Client) Stop() error {
	c.cancel()
	return c.transport.close()
}

// Send sends an OTLP export request of traces, metrics or logs as it is, in several
// parts when it is larger than servers take, and returns when the collector has taken
// it, or an *[Error] when it has not by the timeout of the settings or the end of ctx.
func (c *Client) Send(ctx context.Context, request proto.Message) error {
	sig, ok := signalOf(request)
	if !ok {
		return fmt.Errorf("%T is no OTLP export request", request)
	}
	ctx, end := c.bounded(ctx)
	defer end()
	return c.sendParts(ctx, sig, request)
}

// Buffer returns an empty buffer for a request.
func (c *Client) Buffer() *[]byte { return c.buffers.Get(0) }

// SendSpans does what Send does with an ExportTraceServiceRequest of n spans that is
// encoded already, in a buffer that came from Buffer and is the client's from now on.
func (c *Client) SendSpans(ctx context.Context, n int, request *[]byte) error {
	ctx, end := c.bounded(ctx)
	defer end()
	if len(*request) > maxRequest {
		var m coltracepb.ExportTraceServiceRequest
		if err := proto.Unmarshal(*request, &m); err != nil {
			return c.explain(err, nil)
		}
		return c.sendParts(ctx, traces, &m)
	}
	prepared, free, err := c.transport.encoded(request, &c.buffers)
	if err != nil {
		return c.explain(err, nil)
	}
	defer free()
	return c.try(ctx, traces, prepared, int64(n))
}

// bounded begins an export, in a context that also ends after the timeout, and with
// the client.
func (c *Client) bounded(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	stop := context.AfterFunc(c.stop, cancel)
	c.doing.begin()
	return ctx, func() {
		c.doing.end()
		stop()
		cancel()
	}
}

// try makes attempts until one settles it. sent is how much there is to send.
func (c *Client) try(ctx context.Context, sig signal, prepared any, sent int64) error {
	var last error // that says more than the end of ctx
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		if err := errors.Join(c.stop.Err(), c.waitUntil(ctx, c.quietUntil())); err != nil {
			return c.explain(err, last)
		}
		reply := sig.reply()
		err := c.transport.send(ctx, sig, prepared, reply)
		if err == nil {
			return c.partial(sig, sent, reply)
		}
		f, again := errors.AsType[*failure](err)
		switch {
		case again && f.silent: // the time is up
			return c.explain(err, last)
		case !again || ctx.Err() != nil:
			return c.explain(err, nil)
		}
		last = err
		c.doing.failed(c.shown(err.Error()))
		c.quiet(f.after)
		// Half of the pause is random, so that many programs do not come back at
		// the same time.
		jittered := pause/2 + rand.N(pause/2) //nolint:gosec // no secret
		if err := c.waitUntil(ctx, time.Now().Add(jittered)); err != nil {
			return c.explain(err, last)
		}
	}
}

var errNoTime = errors.New("no time is left to try again")

// waitUntil waits, or says at once that ctx ends before.
func (c *Client) waitUntil(ctx context.Context, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	if end, ok := ctx.Deadline(); ok && end.Before(t) {
		return errNoTime
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet leaves the collector alone for a while.
func (c *Client) quiet(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.Now().Add(min(d, maxRetryAfter))
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.notBefore) {
		c.notBefore = t
	}
}

func (c *Client) quietUntil() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notBefore
}
