package otlpclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/spanloom/spanloom/internal/otlptest"
)

func encode(t *testing.T, content string, m proto.Message) []byte {
	t.Helper()
	marshal := proto.Marshal
	if content == contentJSON {
		marshal = protojson.Marshal
	}
	text, err := marshal(m)
	if err != nil {
		t.Error(err)
	}
	return text
}

// reset ends the connection of a request with bytes of a reply and then RST.
func reset(w http.ResponseWriter, reply string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, reply)
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// patience is the timeout of a client that tries until its end, or does not.
func patience(again bool) string {
	if again {
		return "1500ms"
	}
	return "10s"
}

// TestHTTPRefusals: what a collector says, how often it is asked, and that it is
// shown without the key that it repeats.
func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	echo := func(code int, content, text string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", content)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, strings.ReplaceAll(text, "KEY", r.Header.Get("Api-Key")))
		}
	}
	refusal := string(encode(t, contentProto, &spb.Status{Message: "no project for KEY"}))
	for name, tc := range map[string]struct {
		answer func(int, http.ResponseWriter, *http.Request)
		again  bool
		want   []string
	}{
		"credentials":    {echo(401, "text/plain; charset=utf-8", "bad key KEY\n"), false, []string{"refused the credentials (401 Unauthorized) (bad key ***); look at auth and headers"}},
		"status message": {echo(400, contentProto, strings.ReplaceAll(refusal, "\x12\x12", "\x12\x1c")), false, []string{"400 Bad Request (no project for ***)"}},
		"not a status":   {echo(400, contentProto, "\xff\xff"), false, []string{": 400 Bad Request"}},
		"path":           {echo(404, "text/html", "<html>KEY"), false, []string{"nothing at the endpoint's path takes OTLP (404 Not Found)"}},
		"long":           {echo(500, "text/plain", strings.Repeat("KEY é ", 20_000)), false, []string{"500 Internal Server Error (*** é ***", "…"}},
		"terminal":       {echo(500, "text/plain", "\x1b]0;KEY\a\u202e"), false, []string{"\uFFFD]0;***\uFFFD"}},
		"overload":       {echo(429, "text/plain", "slow down, KEY"), true, []string{"429 Too Many Requests (slow down, ***)"}},
		"gateway":        {echo(502, "text/html", "KEY"), true, []string{"502 Bad Gateway"}},
		"unavailable":    {echo(503, "", ""), true, []string{"503 Service Unavailable"}},
		"timeout":        {echo(504, "", ""), true, []string{"504 Gateway Timeout"}},
		"odd":            {echo(599, "", ""), false, []string{": 599"}},
		"nonsense":       {echo(200, contentProto, "\xff\xff\xff"), false, []string{"the reply is not a message of OTLP"}},
		"nonsense JSON":  {echo(200, contentJSON, `{"partialSuccess":"KEY`), false, []string{"the reply is not a message of OTLP"}},
		"no HTTP":        {func(_ int, w http.ResponseWriter, _ *http.Request) { reset(w, "SSH-2.0-"+canary+"\r\n\r\n") }, true, []string{"malformed HTTP"}},
		"much header":    {func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, true, []string{"header"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := otlptest.StartHTTP(t, nil, tc.answer)
			fails(t, overHTTPTo(t, s.Endpoint, patience(tc.again)), tc.want...)
			if n := len(s.Requests()); (n > 1) != tc.again {
				t.Errorf("%d requests, want it tried again: %v", n, tc.again)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := otlptest.StartHTTP(t, nil, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.Endpoint, code)
		})
		fails(t, overHTTPTo(t, s.Endpoint, "5s"), "the server redirects", "is not followed")
	}
	if n := len(other.Requests()); n > 0 {
		t.Errorf("%d requests were redirected, with key %q", n, other.Requests()[0].Header.Get("Api-Key"))
	}
}

// TestPassingFaults: what passes is tried again until it has passed.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(http.ResponseWriter){
		"unavailable": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"retry at once": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"retry never": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "never")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"retry in the past": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "-99")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"reset before":       func(w http.ResponseWriter) { reset(w, "") },
		"reset in headers":   func(w http.ResponseWriter) { reset(w, "HTTP/1.1 200 OK\r\nContent-Le") },
		"reset in body":      func(w http.ResponseWriter) { reset(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab") },
		"reset in a refusal": func(w http.ResponseWriter) { reset(w, "HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nab") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := otlptest.StartHTTP(t, nil, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n <= 2 {
					fault(w)
				}
			})
			if err := overHTTPTo(t, s.Endpoint, "10s").Send(t.Context(), spans(3)); err != nil {
				t.Error(err)
			}
			r := s.Requests()
			if len(r) < 3 || !bytes.Equal(r[0].Body, r[2].Body) {
				t.Errorf("%d requests, want 3 of the same", len(r))
			}
		})
	}
}

// TestRetryAfter: the collector is left alone for as long as it asks, by later
// exports too, up to a bound.
func TestRetryAfter(t *testing.T) {
	var last, gap atomic.Int64
	s := otlptest.StartHTTP(t, nil, func(n int, w http.ResponseWriter, _ *http.Request) {
		now := time.Now().UnixNano()
		gap.Store(now - last.Swap(now))
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	if err := overHTTPTo(t, s.Endpoint, "5s").Send(t.Context(), spans(1)); err != nil {
		t.Error(err)
	}
	if d := time.Duration(gap.Load()); d < time.Second || d > 3*time.Second {
		t.Errorf("the collector asked for 1 s and got %s", d)
	}

	for _, value := range []string{"3600", "99999999999999999999999", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		s := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		c := overHTTPTo(t, s.Endpoint, "2s")
		begin := time.Now()
		fails(t, c, "503")
		fails(t, c, "the collector asked to be left alone")
		if d := time.Since(begin); d > 1900*time.Millisecond {
			t.Errorf("Retry-After: %s: it took %s to see that there is no time for another attempt", value, d)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("Retry-After: %s: %d requests, want 1", value, n)
		}
		if d := time.Until(c.quietUntil()); d > maxRetryAfter || d < maxRetryAfter/2 {
			t.Errorf("Retry-After: %s is %s, want some %s", value, d, maxRetryAfter)
		}
	}
}

func TestGRPCRefusals(t *testing.T) {
	t.Parallel()
	with := func(code codes.Code, delay time.Duration) error {
		st, err := status.New(code, "full of "+canary).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
		if err != nil {
			t.Fatal(err)
		}
		return st.Err()
	}
	for name, tc := range map[string]struct {
		err   error
		again bool
		want  []string
	}{
		"credentials":     {status.Error(codes.Unauthenticated, "bad key "+canary), false, []string{"refused the credentials (bad key ***); look at auth"}},
		"permission":      {status.Error(codes.PermissionDenied, ""), false, []string{"refused the credentials; look"}},
		"argument":        {status.Error(codes.InvalidArgument, "odd "+canary), false, []string{"InvalidArgument (odd ***)"}},
		"other service":   {status.Error(codes.Unimplemented, "unknown service"), false, []string{"nothing at the endpoint takes OTLP over gRPC (unknown service)"}},
		"unavailable":     {status.Error(codes.Unavailable, "away, "+canary), true, []string{"away, ***"}},
		"data loss":       {status.Error(codes.DataLoss, ""), true, []string{"DataLoss"}},
		"its deadline":    {status.Error(codes.DeadlineExceeded, "too slow"), true, []string{"DeadlineExceeded (too slow)"}},
		"exhausted":       {status.Error(codes.ResourceExhausted, "quota"), false, []string{"ResourceExhausted (quota)"}},
		"exhausted a bit": {with(codes.ResourceExhausted, time.Millisecond), true, []string{"ResourceExhausted (full of ***)"}},
		"absurd":          {with(codes.Unavailable, 1000*time.Hour), false, []string{"full of ***"}},
		"negative":        {with(codes.Unavailable, -time.Hour), true, []string{"full of ***"}},
		"long":            {status.Error(codes.Internal, strings.Repeat("x\x1b", 10_000)), false, []string{"…"}},
		"too long":        {status.Error(codes.Internal, strings.Repeat("x", 1<<20)), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) { return nil, tc.err })
			c := overGRPCTo(t, s.Endpoint, patience(tc.again || name == "absurd"))
			fails(t, c, tc.want...)
			if n := s.Count(); (n > 1) != tc.again && name != "too long" {
				t.Errorf("%d requests, want it tried again: %v", n, tc.again)
			}
			if time.Until(c.quietUntil()) > maxRetryAfter {
				t.Errorf("left alone until %s", c.quietUntil())
			}
		})
	}
}

// TestNoAnswer: whatever a server does not say, the timeout holds.
func TestNoAnswer(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentProto)
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("\n"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	hang := otlptest.Start(t, func(ctx context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	slow := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, r *http.Request) { drip(w, r) })
	for name, c := range map[string]*Client{
		"grpc, silent": overGRPCTo(t, "http://"+silent.Addr().String(), "300ms"),
		"http, silent": overHTTPTo(t, "http://"+silent.Addr().String(), "300ms"),
		"grpc, hangs":  overGRPCTo(t, hang.Endpoint, "300ms"),
		"http, drips":  overHTTPTo(t, slow.Endpoint, "300ms"),
		"https, silent": open(t, map[string]any{
			"endpoint": "https://" + silent.Addr().String(), "protocol": "http/protobuf", "timeout": "300ms",
		}),
	} {
		t.Run(name, func(t *testing.T) { fails(t, c, "no answer in time: context deadline exceeded") })
	}
	refused := otlptest.Refused(t)
	begin := time.Now()
	fails(t, overGRPCTo(t, otlptest.StartHTTP(t, nil, nil).Endpoint, "5s"),
		"the server does not speak gRPC; for OTLP over HTTP write protocol: http/protobuf")
	if d := time.Since(begin); d > 4*time.Second {
		t.Errorf("it took %s, want an end at once: no attempt mends it", d)
	}
	fails(t, overGRPCTo(t, refused, "500ms"), "connection refused")
	fails(t, overHTTPTo(t, refused, "500ms"), "connection refused")
}

// TestCollectorComesBack: nothing is lost while a collector is restarted.
func TestCollectorComesBack(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_ = l.Close()
		c := open(t, map[string]any{"endpoint": "http://" + addr, "protocol": protocol, "timeout": "10s"})
		sent := make(chan error, 1)
		go func() { sent <- c.Send(context.Background(), spans(1)) }()
		time.Sleep(500 * time.Millisecond) // it is refused meanwhile
		l = otlptest.Listen(t, addr)
		if protocol == "grpc" {
			otlptest.StartOn(t, l, nil)
		} else {
			s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second}
			go func() { _ = s.Serve(l) }()
			defer s.Close()
		}
		if err := <-sent; err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

// TestHugeReplies: of 32 MiB, compressed or not, 64 KiB are read.
func TestHugeReplies(t *testing.T) {
	huge := bytes.Repeat([]byte{0}, 32<<20)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(huge)
	_ = w.Close()
	plain := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentProto)
		_, _ = w.Write(huge)
	})
	packed := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentProto)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	refusal := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(bomb.Bytes())
	})
	long := strings.Repeat("x", 1<<20)
	message := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		return &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{ErrorMessage: long}}, nil
	})
	for _, tc := range []struct {
		client *Client
		want   string
	}{
		{overHTTPTo(t, plain.Endpoint, "5s"), "the reply is larger than 64 KiB"},
		{overHTTPTo(t, packed.Endpoint, "5s"), "the reply is larger than 64 KiB"},
		{overHTTPTo(t, refusal.Endpoint, "5s"), "400 Bad Request"},
		{overGRPCTo(t, message.Endpoint, "5s"), "larger than max"},
		{open(t, map[string]any{"endpoint": message.Endpoint, "compression": "gzip"}), "larger than max"}, // its reply is compressed too
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fails(t, tc.client, tc.want)
		runtime.ReadMemStats(&after)
		// What the servers here allocate is in it: the gRPC one encodes 1 MiB.
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%s: %d MiB were allocated", tc.want, n>>20)
		}
	}
}

// TestAttemptsShareMemory: many attempts allocate less than one request more.
func TestAttemptsShareMemory(t *testing.T) {
	s := http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	c := overHTTPTo(t, "http://"+l.Addr().String(), "2s")
	request := spans(100_000)
	size := uint64(proto.Size(request))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := c.Send(t.Context(), request); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 2*size {
		t.Errorf("%d bytes were allocated for attempts with %d bytes", n, size)
	}
}
