package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/crashbudget"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/internal/wire"
	"github.com/spanloom/spanloom/privacy"
)

// Spec says which backend to run and with what.
type Spec struct {
	// Name is the name of the entry in the manifest. Required.
	Name string
	// Place is the entry's place in the manifest, for messages, such as
	// "spanloom.yaml:6:7: telemetry.backends[0]". Defaults to none.
	Place string
	// Launch says where the backend runs. Required.
	Launch Launcher
	// Config is the entry's config as a JSON object. Defaults to none.
	Config json.RawMessage
	// Service is the program whose telemetry this is.
	Service backend.Service
	// Tracing says which spans a backend makes that makes spans.
	Tracing backend.Tracing
	// Unsampled sends the events of runs that are not sampled too, as Tracing.Keep
	// needs and as suits a backend that makes no spans. Defaults to false: such a
	// run costs nothing.
	Unsampled bool
	// Capture says which inputs and outputs are sent with the events, as text. Its
	// redactor is also that of errors, of what node code records, and of [NewConn].
	// Defaults to none.
	Capture privacy.Capture
	// Terminal is what is known of where Output ends.
	Terminal backend.Terminal
	// Output gets what the backend writes for people, and what its process logs with
	// Go's package log, under the name of the backend. It may block: nothing waits for
	// it but Shutdown, within its time. Defaults to io.Discard.
	Output io.Writer
	// Env are the NAME=value entries that a backend process gets. It sees no
	// other part of this process's environment.
	Env []string
	// Required gives a backend up that is at an address and cannot be reached the first
	// time; others are given up anyway. Its first start is awaited, by [Host.Ready], which
	// says why it fails: that is not logged. Defaults to false.
	Required bool
	// StartTimeout is how long a backend process may take until its handshake,
	// and again until it is configured. Defaults to 5 s.
	StartTimeout time.Duration
	// QueueBytes bounds the memory for events that are not yet acknowledged: an
	// estimate for those that wait to be encoded, which takes milliseconds, and
	// the very size of the others. Defaults to 64 MiB.
	QueueBytes int64
	// Overflow says what is dropped when they have no room. An eighth of QueueBytes
	// is for exports of metrics only. Defaults to [DropNewest]. With Durable it is of
	// no effect: the spool keeps what it has accepted.
	Overflow Overflow

	// Durable has events kept on the disk until the backend has exported them. When
	// the disk does not allow it, which is logged and in the [Stats], they are kept in
	// memory. Defaults to nil: in memory.
	Durable *Durable

	// CheckConfig checks Config against the JSON Schema with which the backend
	// describes it; what it says against it keeps the backend from being opened.
	// Defaults to none: Config is known to be valid.
	CheckConfig func(schema []byte) error
	// Logger gets what people should know while the program runs: that the backend
	// does not start, was started again, cannot export, or that telemetry is lost. It must not lead back to
	// the backend. Defaults to slog's default logger, as it is then.
	Logger *slog.Logger
	// KeyPlace returns the place of a key of Config in the manifest, for the
	// mistakes that the backend finds in it. Defaults to none.
	KeyPlace func(key string) string
	// Redact takes out of a text what must not be shown or logged, such as
	// values of the environment. All errors, reasons and lines go through it;
	// what the backend writes to Output does not. Defaults to none.
	Redact func(text string) string

	ackTimeout, healthTimeout, restartDelay, retryDelay, lossTick time.Duration // 0 but in tests

	logLine func(line string) // gets what the process writes to standard error
}

func (s *Spec) setDefaults() {
	if s.Output == nil {
		s.Output = io.Discard
	}
	s.Place = clip(escape(s.Place), maxText)
	if s.StartTimeout == 0 {
		s.StartTimeout = 5 * time.Second
	}
	if s.QueueBytes == 0 {
		s.QueueBytes = 64 << 20
	}
	if s.ackTimeout == 0 {
		s.ackTimeout = 5 * time.Second
	}
	if s.restartDelay == 0 {
		s.restartDelay = firstDelay
	}
	if s.retryDelay == 0 {
		s.retryDelay = retryDelay
	}
	if s.lossTick == 0 {
		s.lossTick = lossTick
	}
	if s.healthTimeout == 0 {
		s.healthTimeout = time.Second
	}
}

// Host feeds one backend. It is a callback: give it to an engine.
type Host struct {
	spec  Spec
	queue *queue
	epoch uint64

	// ctx ends everything that serves the backend.
	ctx    context.Context //nolint:containedctx // the life of the host, not of a call
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// encoding ends the making of batches.
	encoding context.Context //nolint:containedctx // as ctx
	stop     context.CancelFunc

	opened   chan struct{} // closed when what follows is known
	courier  *courier      // nil without a spool
	spoolErr error         // why there is none

	linger atomic.Int64  // how long an event waits for others, a time.Duration
	hurry  chan struct{} // encode now
	urge   chan struct{} // start the backend now, if it is to be started again at all
	leave  chan struct{} // closed when Shutdown begins
	closed chan struct{} // Shutdown has ended

	takes   atomic.Uint32 // the signals that the backend takes, a bit each
	ignored [signals]atomic.Uint64
	refused [signals]atomic.Int64 // until when the destination is spared a signal, in Unix nanoseconds; 0 for never

	unwanted atomic.Uint32 // the callbacks.Hook of which the backend does not need each call

	crashed crashbudget.Budget
	closing atomic.Bool    // Shutdown has begun to end the backend
	out     *output.Writer // to spec.Output
	lines   logLines

	mu        sync.Mutex
	session   *session
	state     State
	up        chan struct{} // closed while the backend takes events
	err       error         // why it is down
	cause     error         // why it has ended the last time
	restarts  map[EndReason]uint64
	trouble   trouble
	shutdown  bool
	said      string         // the last error that the backend told of, as it may be shown
	uncounted bool           // an error that was not about a batch, so that no event is counted for it
	flushed   [reasons]units // what was lost when Flush has last told of losses
}

// State is what a host's backend is doing.
type State string

// The states.
const (
	// Starting: events queue until the backend is ready.
	Starting State = "starting"
	// Ready: events flow.
	Ready State = "ready"
	// Degraded: the backend is alive and has not acknowledged for seconds.
	Degraded State = "degraded"
	// Restarting: the backend has ended and will be started again. Events queue
	// until then, and what it had not acknowledged is sent again.
	Restarting State = "restarting"
	// Down: the backend could not be started the first time, or never will be, and
	// events are dropped.
	Down State = "down"
	// Closed: Shutdown was called.
	Closed State = "closed"
)

// Start begins to start the backend and returns at once. Events queue until it
// is ready. If it ends later, it is started again, soon at first and then after
// longer and longer times. Whatever happens to it, call Shutdown at the end.
func Start(spec Spec) *Host {
	spec.setDefaults()
	h := &Host{
		spec:     spec,
		out:      output.New(spec.Output),
		queue:    newQueue(spec.QueueBytes, spec.Overflow),
		epoch:    rand.Uint64(), //nolint:gosec // it must differ, not be secret
		hurry:    make(chan struct{}, 1),
		urge:     make(chan struct{}, 1),
		up:       make(chan struct{}),
		leave:    make(chan struct{}),
		closed:   make(chan struct{}),
		opened:   make(chan struct{}),
		state:    Starting,
		restarts: map[EndReason]uint64{},
	}
	h.spec.logLine = h.logLine
	h.crashed.Max = maxItems(spec.Tracing)
	h.linger.Store(int64(defaultLinger))
	h.takes.Store(allSignals)
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.encoding, h.stop = context.WithCancel(context.Background())
	h.wg.Go(h.encode)
	h.wg.Go(h.run)
	h.wg.Go(h.watchLosses)
	return h
}

// defaultLinger is that of a backend that does not say, or not yet.
const defaultLinger = 10 * time.Millisecond

// open makes the backend ready for events, which it takes until life ends.
func (h *Host) open(life context.Context, s *session) (pb.Backend_StreamClient, error) {
	ctx, cancel := context.WithTimeout(life, h.spec.StartTimeout)
	defer cancel()
	d, err := s.rpc.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return nil, h.unanswered(ctx, "to say what it is", unreachable(s, err))
	}
	if v := d.GetProtocolVersion(); v != wire.ProtocolVersion {
		return nil, &StartError{Problem: WrongVersion, Detail: fmt.Sprintf("it speaks protocol version %d and this program %d", v, wire.ProtocolVersion), Fix: "rebuild the older of the two"}
	}
	if l := time.Duration(d.GetLinger()); l != 0 {
		h.linger.Store(int64(min(max(l, time.Millisecond), time.Second)))
	}
	if err := h.spec.checkConfig(ctx, d.GetConfigSchema()); err != nil {
		return nil, err
	}
	answer, err := s.rpc.Configure(ctx, &pb.ConfigureRequest{
		Instance: h.spec.Name,
		Config:   h.spec.Config,
		Service: &pb.Service{
			Name: h.spec.Service.Name, Version: h.spec.Service.Version,
			Namespace: h.spec.Service.Namespace, Attributes: h.spec.Service.Attributes,
		},
		Terminal: &pb.Terminal{
			IsTerminal: h.spec.Terminal.IsTerminal, Color: h.spec.Terminal.Color,
			Width: uint32(max(h.spec.Terminal.Width, 0)),
		},
		Tracing: &pb.Tracing{
			MapItems: h.spec.Tracing.MapItems, MaxPerMap: uint32(max(h.spec.Tracing.MaxPerMap, 0)),
			ItemRatio:  h.spec.Tracing.ItemRatio,
			KeepFailed: h.spec.Tracing.KeepFailed, KeepSlow: int64(h.spec.Tracing.KeepSlow),
			NoInputs: !h.spec.Capture.Inputs,
		},
	})
	if err != nil {
		return nil, h.unanswered(ctx, "to open with its config", err)
	}
	if err := h.spec.configError(answer); err != nil {
		return nil, err
	}
	h.takes.Store(maskOf(answer.GetSignals()))
	h.unwanted.Store(uint32(dispensable &^ wire.Hooks(answer.GetHooks())))
	stream, err := s.rpc.Stream(life, grpc.ForceCodec(codec{}))
	if err != nil {
		return nil, err //nolint:wrapcheck // explained by the caller
	}
	return stream, nil
}

// unanswered says what a backend that does not start was asked for, when it has
// used up its time. The server of the backend, which knows the deadline, may see it
// pass first, and cancels the call then.
func (h *Host) unanswered(ctx context.Context, what string, err error) error {
	code := status.Code(err)
	late := errors.Is(ctx.Err(), context.DeadlineExceeded) || code == codes.DeadlineExceeded || code == codes.Canceled
	if h.ctx.Err() == nil && late {
		return &StartError{Problem: StartTimeout, Detail: fmt.Sprintf("it was asked %s and did not answer within %s", what, h.spec.StartTimeout), Fix: "let Open return without waiting for a server; raise start_timeout if the system is slow", Err: err}
	}
	return err
}

// fail gives the backend up for good, and says so unless that is awaited. What is to be
// kept on the disk is still kept.
func (h *Host) fail(err error, awaited bool) {
	h.mu.Lock()
	if h.state == Closed {
		h.mu.Unlock()
		return
	}
	h.err = shown(err, h.spec.Redact)
	h.state = Down
	ending := h.shutdown
	h.mu.Unlock()
	if !awaited && !ending { // else Ready says it, or the line about losses
		h.spec.log(slog.LevelWarn, "backend does not start", slog.String("error", h.Err().Error()))
	}
	if h.spec.Durable != nil {
		select {
		case <-h.opened:
		case <-h.ctx.Done():
			return
		}
	}
	if h.courier == nil {
		h.queue.close(reasonBackendDown)
		h.stop()
	}
	h.cancel()
}

// Ready returns nil when the backend takes events, and the reason when it never
// will. It waits for one that is about to be started again.
func (h *Host) Ready(ctx context.Context) error {
	select {
	case <-h.ctx.Done():
		return h.closedError()
	default:
	}
	h.mu.Lock()
	up := h.up
	h.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-h.ctx.Done(): // down or closed, or about to be
		return h.closedError()
	case <-ctx.Done():
		if s := h.Stats(); s.Err != nil {
			return fmt.Errorf("%w: not ready: %w", s.Err, ctx.Err())
		}
		return fmt.Errorf("backend %q is not ready: %w", h.spec.Name, ctx.Err())
	}
}

// isUp reports whether the backend takes events.
func (h *Host) isUp() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.up:
		return true
	default:
		return false
	}
}

// Err returns why the backend is down, or nil. Mistakes in its config are found
// in it by [backend.AsConfigErrors], and problems of its start by [StartError].
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		return nil
	}
	return &hostError{name: h.spec.Name, place: h.spec.Place, err: h.err}
}

// Describe asks the backend what it is, once it is ready.
func (h *Host) Describe(ctx context.Context) (Description, error) {
	if err := h.Ready(ctx); err != nil {
		return Description{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.spec.StartTimeout)
	defer cancel()
	d, err := h.current().rpc.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return Description{}, fmt.Errorf("backend %q: describe: %w", h.spec.Name, shown(err, h.spec.Redact))
	}
	if err := checkSchema(d.GetConfigSchema()); err != nil {
		return Description{}, fmt.Errorf("backend %q: describe: %w", h.spec.Name, err)
	}
	return Description{
		Name: h.clean(d.GetName()), Version: h.clean(d.GetVersion()), Protocol: int(d.GetProtocolVersion()),
		Schema: d.GetConfigSchema(), Linger: time.Duration(d.GetLinger()),
	}, nil
}

// Description is what a backend says of itself.
type Description struct {
	Name, Version string
	// Protocol is the version of the protocol that it speaks.
	Protocol int
	// Schema is the JSON Schema of its config.
	Schema []byte
	// Linger is how long an event may be held back.
	Linger time.Duration
}

// Name returns that of the entry in the manifest.
func (h *Host) Name() string { return h.spec.Name }

func (h *Host) current() *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.session
}
