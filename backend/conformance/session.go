package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// again is how often a host that waits for acknowledgements calls Flush.
const again = 20 * time.Millisecond

// session is a connection to a backend.
type session struct {
	target *Target
	conn   grpc.ClientConnInterface
	rpc    pb.BackendClient
	proc   *process // nil when there is none
	hangUp func()   // ends the connection
	free   func()   // and the backend
}

// open starts a backend and connects to it.
func (t *Target) open(ctx context.Context) (*session, error) {
	if len(t.Command) == 0 {
		if t.Dial == nil {
			return nil, errors.New("there is no backend: neither Command nor Dial is set")
		}
		conn, end, err := t.Dial(ctx)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		return &session{target: t, conn: conn, rpc: pb.NewBackendClient(conn), hangUp: func() {}, free: end}, nil
	}
	p, err := t.launch(current)
	if err != nil {
		return nil, err
	}
	s, err := t.connect(ctx, p)
	if err != nil {
		p.kill()
		return nil, err
	}
	return s, nil
}

// current is the version of the protocol that hosts of this version speak.
var current = strconv.Itoa(wire.ProtocolVersion)

// launch starts the backend's process as hosts do that speak these versions of the
// protocol.
func (t *Target) launch(versions string) (*process, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, err
	}
	p, err := t.spawn(func(dir string) []string { return environment(dir, versions, id.pem) })
	if err != nil {
		return nil, err
	}
	p.cert = id
	return p, nil
}

// connect reads the handshake of a process and connects to it.
func (t *Target) connect(ctx context.Context, p *process) (*session, error) {
	line, err := p.firstLine(ctx)
	if err != nil {
		return nil, err
	}
	h, err := parse(line)
	if err != nil {
		return nil, err
	}
	config, err := p.cert.config(h.cert)
	if err != nil {
		return nil, err
	}
	conn, err := dial(h, credentials.NewTLS(config))
	if err != nil {
		return nil, err
	}
	s := &session{target: t, conn: conn, rpc: pb.NewBackendClient(conn), proc: p}
	s.hangUp = sync.OnceFunc(func() { _ = conn.Close() })
	s.free = func() {
		s.hangUp()
		p.kill()
	}
	return s, nil
}

// dial connects to the address in a handshake.
func dial(h handshake, creds credentials.TransportCredentials) (*grpc.ClientConn, error) {
	if h.network != "unix" {
		return nil, fmt.Errorf("the address in the handshake is %s %s; want one of network unix", short(h.network), short(h.address))
	}
	return grpc.NewClient("unix:"+h.address, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(2*wire.MaxMessage)))
}

// fresh makes a check of a backend that is not configured.
func fresh(f func(context.Context, *session) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		s, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer s.free()
		return s.explain(f(ctx, s))
	}
}

// configured makes a check of a backend that is.
func configured(f func(context.Context, *session) error) func(context.Context, *Target) error {
	return fresh(func(ctx context.Context, s *session) error {
		if err := s.configure(ctx); err != nil {
			return err
		}
		return f(ctx, s)
	})
}

// explain adds to an error that the process has ended, if it has.
func (s *session) explain(err error) error {
	var sk *skipped
	if err == nil || s.proc == nil || errors.As(err, &sk) {
		return err
	}
	select {
	case <-s.proc.done:
		return fmt.Errorf("%w; the process has ended (%s)%s", err, s.proc.cmd.ProcessState, s.proc.wrote())
	default:
		return err
	}
}

// limited bounds a call without telling the backend of a deadline.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := time.AfterFunc(d, func() { cancel(fmt.Errorf("no answer within %s: %w", d, os.ErrDeadlineExceeded)) })
	return ctx, func() {
		t.Stop()
		cancel(context.Canceled)
	}
}

// call makes a call within a time.
func call[I, O any](ctx context.Context, d time.Duration, name string, in I, f func(context.Context, I, ...grpc.CallOption) (O, error)) (O, error) {
	ctx, cancel := limited(ctx, d)
	defer cancel()
	out, err := f(ctx, in, grpc.WaitForReady(false))
	if err != nil {
		return out, fmt.Errorf("%s: %w", name, cause(ctx, err))
	}
	return out, nil
}

// cause returns why a call failed: the cause of its context's end, if it had ended.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && status.Code(err) == codes.Canceled {
		return c
	}
	return err
}

// request is what a host configures with.
func (t *Target) request() *pb.ConfigureRequest {
	return &pb.ConfigureRequest{
		Instance: "conformance", Config: t.config(),
		Service: &pb.Service{
			Name: "conformance", Version: "1.2.3", Namespace: "spanloom",
			Attributes: map[string]string{"deployment.environment.name": "test"},
		},
		Terminal: &pb.Terminal{Width: 100},
		Tracing:  &pb.Tracing{MapItems: "all", MaxPerMap: 1000, ItemRatio: 1},
	}
}

// configure opens the instance.
func (s *session) configure(ctx context.Context) error {
	_, err := s.accepted(ctx, s.target.request())
	return err
}

// accepted opens the instance with a request that it has to accept.
func (s *session) accepted(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	a, err := call(ctx, s.target.timeout(), "Configure", r, s.rpc.Configure)
	switch {
	case err != nil:
		return nil, err
	case a.GetError() != "":
		return nil, fmt.Errorf("Configure: %w", &RefusedError{r.GetConfig(), "", a.GetError()})
	case len(a.GetErrors()) > 0:
		e := a.GetErrors()[0]
		return nil, fmt.Errorf("Configure: %w", &RefusedError{r.GetConfig(), e.GetKey(), e.GetMessage()})
	}
	return a, nil
}

func (s *session) describe(ctx context.Context) (*pb.DescribeResponse, error) {
	return call(ctx, s.target.timeout(), "Describe", &pb.DescribeRequest{HostVersion: "conformance"}, s.rpc.Describe)
}

func (s *session) flush(ctx context.Context) (*pb.FlushResponse, error) {
	return call(ctx, s.target.timeout(), "Flush", &pb.FlushRequest{}, s.rpc.Flush)
}

func (s *session) health(ctx context.Context) (*pb.HealthResponse, error) {
	return call(ctx, s.target.limit().atOnce, "Health", &pb.HealthRequest{}, s.rpc.Health)
}

func (s *session) shutdown(ctx context.Context) (*pb.ShutdownResponse, error) {
	return call(ctx, s.target.timeout(), "Shutdown", &pb.ShutdownRequest{}, s.rpc.Shutdown)
}

// alive says why the backend does not work any more.
func (s *session) alive(ctx context.Context) error {
	if _, err := s.health(ctx); err != nil {
		return fmt.Errorf("after that: %w", err)
	}
	return nil
}

// stream is a stream of batches.
type stream struct {
	session *session
	rpc     pb.Backend_StreamClient
	ctx     context.Context
	end     context.CancelFunc
	acks    chan *pb.Ack
	gone    chan struct{} // closed when the stream has ended
	err     error         // why, then
	all     []*pb.Ack     // that were read so far
	seq     uint64        // the highest number among them
}

// maxAcks is more than any check makes a backend send.
const maxAcks = 4096

// stream opens the stream.
func (s *session) stream(ctx context.Context) (*stream, error) {
	ctx, end := context.WithCancel(ctx)
	rpc, err := s.rpc.Stream(ctx, grpc.WaitForReady(false))
	if err != nil {
		end()
		return nil, fmt.Errorf("Stream: %w", err)
	}
	st := &stream{session: s, rpc: rpc, ctx: ctx, end: end, acks: make(chan *pb.Ack, maxAcks), gone: make(chan struct{})}
	go func() {
		defer close(st.gone)
		for {
			a, err := rpc.Recv()
			if err != nil {
				st.err = err
				return
			}
			select {
			case st.acks <- a:
			default:
				st.err = fmt.Errorf("more than %d acknowledgements wait", maxAcks)
				return
			}
		}
	}()
	return st, nil
}

// send sends batches.
func (st *stream) send(list ...*pb.Batch) error {
	done := make(chan error, 1)
	go func() {
		for _, b := range list {
			if err := st.rpc.Send(b); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	late := time.NewTimer(st.session.target.timeout())
	defer late.Stop()
	select {
	case err := <-done:
		if errors.Is(err, io.EOF) { // the reason is where the answers are
			return st.why()
		}
		return err
	case <-late.C:
		st.end()
		<-done //nolint:errcheck // it says no more
		return fmt.Errorf("batches were not read within %s", st.session.target.timeout())
	}
}

// why says why the stream has ended.
func (st *stream) why() error {
	select {
	case <-st.gone:
		return fmt.Errorf("the stream ended: %w", st.err)
	case <-time.After(st.session.target.timeout()):
		return errors.New("the stream takes no batches")
	}
}

// take notes an acknowledgement.
func (st *stream) take(a *pb.Ack) {
	st.all = append(st.all, a)
	st.seq = max(st.seq, a.GetSeq())
}

// await waits until a batch is acknowledged, in the way in which a host waits that
// has nothing else to do: it calls Flush again and again.
func (st *stream) await(seq uint64) error {
	ctx, cancel := limited(st.ctx, st.session.target.timeout())
	defer cancel()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for ctx.Err() == nil {
			_, _ = st.session.rpc.Flush(ctx, &pb.FlushRequest{})
			select {
			case <-time.After(again):
			case <-ctx.Done():
			}
		}
	}()
	defer func() {
		cancel()
		<-asked
	}()
	return st.until(ctx, seq)
}

// until waits until a batch is acknowledged, or ctx ends.
func (st *stream) until(ctx context.Context, seq uint64) error {
	for st.seq < seq {
		select {
		case a := <-st.acks:
			st.take(a)
			continue
		default:
		}
		select {
		case a := <-st.acks:
			st.take(a)
		case <-st.gone:
			if len(st.acks) == 0 {
				return fmt.Errorf("the stream ended before batch %d was acknowledged: %w", seq, st.err)
			}
		case <-ctx.Done():
			return fmt.Errorf("batch %d is not acknowledged: %w", seq, context.Cause(ctx))
		}
	}
	return nil
}

// refused returns the first acknowledgement with an error.
func (st *stream) refused() error {
	for _, a := range st.all {
		if a.GetError() != "" {
			return fmt.Errorf("the Ack of batch %d says: %s", a.GetSeq(), short(a.GetError()))
		}
	}
	return nil
}

// deliver sends batches, waits for their acknowledgement, and says what is wrong with
// it.
func (st *stream) deliver(list ...*pb.Batch) error {
	if err := st.send(list...); err != nil {
		return err
	}
	if err := st.await(list[len(list)-1].GetSeq()); err != nil {
		return err
	}
	return st.refused()
}

// deliver does so on a stream of its own.
func (s *session) deliver(ctx context.Context, list ...*pb.Batch) error {
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	return st.deliver(list...)
}

// close ends the stream, and waits for its end.
func (st *stream) close() {
	_ = st.rpc.CloseSend()
	select {
	case <-st.gone:
	case <-time.After(time.Second):
	}
	st.cut()
}

// cut ends the stream without a word, and waits for its end.
func (st *stream) cut() {
	st.end()
	<-st.gone
}
