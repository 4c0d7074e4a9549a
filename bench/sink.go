package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// sinkVariable makes a process a sink, in [ServeSink].
const sinkVariable = "SPANLOOM_BENCH_SINK"

// sink is a collector that takes everything and keeps nothing. It is another
// process, so that what it costs is in no figure.
type sink struct {
	endpoint string
	process  *exec.Cmd
	ask      io.WriteCloser
	answers  *bufio.Reader
}

// newSink starts one whose answers take a while.
func newSink(slow time.Duration) (*sink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &sink{process: exec.Command(self)} //nolint:forbidigo,noctx // this program; it ends with its input
	s.process.Env = append(os.Environ(), sinkVariable+"="+slow.String())
	s.process.Stderr = os.Stderr
	if s.ask, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(out)
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	address, err := s.answers.ReadString('\n')
	s.endpoint = "http://" + strings.TrimSpace(address)
	return s, err
}

// spans returns how many spans have arrived so far.
func (s *sink) spans() (int, error) {
	if _, err := fmt.Fprintln(s.ask); err != nil {
		return 0, err
	}
	line, err := s.answers.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

func (s *sink) close() error {
	_ = s.ask.Close()
	return s.process.Wait()
}

// ServeSink makes a process that [Telemetry] has started for it the collector
// of the measurement: it returns true when that is over. Call it first in main;
// in any other process it returns false at once.
func ServeSink() bool {
	text := os.Getenv(sinkVariable)
	if text == "" {
		return false
	}
	slow, err := time.ParseDuration(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true
	}
	var spans atomic.Int64
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(counting{}),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			var request counted
			if err := stream.RecvMsg(&request); err != nil {
				return err
			}
			if method, _ := grpc.Method(stream.Context()); method == coltracepb.TraceService_Export_FullMethodName {
				spans.Add(int64(request.spans))
			}
			time.Sleep(slow)
			return stream.SendMsg(&request) // as an empty message
		}))
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	fmt.Fprintln(os.Stdout, l.Addr())
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		fmt.Fprintln(os.Stdout, spans.Load())
	}
	return true
}

// counted is a request of which no more is known than how many spans it has.
type counted struct{ spans int }

// counting is a codec that counts spans: a collector on the same processors that
// decodes them takes more of these than what is measured.
type counting struct{}

// Marshal implements encoding.CodecV2.
func (counting) Marshal(any) (mem.BufferSlice, error) { return nil, nil }

// Unmarshal implements encoding.CodecV2.
func (counting) Unmarshal(data mem.BufferSlice, v any) error {
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	c, ok := v.(*counted)
	if !ok {
		return fmt.Errorf("%T is no request", v)
	}
	var err error
	c.spans, err = count(buffer.ReadOnlyData(), 1, 2, 2) // resource_spans, scope_spans, spans
	return err
}

// Name implements encoding.CodecV2.
func (counting) Name() string { return "proto" }

// count returns how many messages there are in data under a path of fields.
func count(data []byte, path ...protowire.Number) (n int, err error) {
	for len(data) > 0 {
		field, typ, size := protowire.ConsumeTag(data)
		if size < 0 {
			return 0, protowire.ParseError(size)
		}
		data = data[size:]
		if field != path[0] || typ != protowire.BytesType {
			if size = protowire.ConsumeFieldValue(field, typ, data); size < 0 {
				return 0, protowire.ParseError(size)
			}
			data = data[size:]
			continue
		}
		value, size := protowire.ConsumeBytes(data)
		if size < 0 {
			return 0, protowire.ParseError(size)
		}
		data = data[size:]
		inside := 1
		if len(path) > 1 {
			if inside, err = count(value, path[1:]...); err != nil {
				return 0, err
			}
		}
		n += inside
	}
	return n, nil
}
