package pluginhost

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/buckets"
)

// Calls is how long the calls of one method of a backend took that ended in one way.
type Calls struct {
	// Method is Describe, Configure, Stream, Flush, Health or Shutdown. A call of
	// Stream is a batch, from when it is sent until it is acknowledged.
	Method string
	// ErrorType is empty for those that went well. It is the name of a gRPC status,
	// such as DEADLINE_EXCEEDED, or what the backend has answered: invalid_config or
	// export_failed.
	ErrorType string
	Sum       time.Duration
	// Buckets counts the calls by their durations, with the bounds of
	// spanloom.node.duration; the last bucket has those above all bounds.
	Buckets [buckets.Count]uint64
}

const (
	invalidConfig = "invalid_config"
	exportFailed  = string(ExportFailed)
)

// callTimes counts calls.
type callTimes struct {
	mu   sync.Mutex
	list []*Calls
}

func (c *callTimes) add(method, errorType string, d time.Duration) {
	d = max(d, 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.of(method, errorType)
	one.Sum += d
	one.Buckets[buckets.Steps.Index(d)]++
}

// of returns the calls of a method that ended in one way. The list is locked.
func (c *callTimes) of(method, errorType string) *Calls {
	i := slices.IndexFunc(c.list, func(one *Calls) bool { return one.Method == method && one.ErrorType == errorType })
	if i < 0 {
		i = len(c.list)
		c.list = append(c.list, &Calls{Method: method, ErrorType: errorType})
	}
	return c.list[i]
}

// all returns a copy, in a certain order.
func (c *callTimes) all() (list []Calls) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.list {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Calls) int {
		return cmp.Or(strings.Compare(a.Method, b.Method), strings.Compare(a.ErrorType, b.ErrorType))
	})
	return list
}

// mergeCalls returns the calls of two lists, in a certain order.
func mergeCalls(a, b []Calls) []Calls {
	var t callTimes
	for _, one := range slices.Concat(a, b) {
		sum := t.of(one.Method, one.ErrorType)
		sum.Sum += one.Sum
		for i, n := range one.Buckets {
			sum.Buckets[i] += n
		}
	}
	return t.all()
}

// timed is a client whose calls are measured. Those of Stream are the queue's to
// measure.
type timed struct {
	pb.BackendClient

	calls *callTimes
}

// call measures one call. answered says what is wrong with its answer.
func call[T any](c *callTimes, method string, answered func(T) string, do func() (T, error)) (T, error) {
	begin := time.Now()
	answer, err := do()
	errorType := ""
	if err != nil {
		errorType = statusName(status.Code(err))
	} else if answered != nil {
		errorType = answered(answer)
	}
	c.add(method, errorType, time.Since(begin))
	return answer, err
}

// failedTo is the error.type of an answer that says what could not be exported.
func failedTo[T interface{ GetError() string }](answer T) string {
	if answer.GetError() != "" {
		return exportFailed
	}
	return ""
}

// Describe implements pb.BackendClient, as do the others.
func (t timed) Describe(ctx context.Context, in *pb.DescribeRequest, opts ...grpc.CallOption) (*pb.DescribeResponse, error) {
	return call(t.calls, "Describe", nil, func() (*pb.DescribeResponse, error) { return t.BackendClient.Describe(ctx, in, opts...) })
}

func (t timed) Configure(ctx context.Context, in *pb.ConfigureRequest, opts ...grpc.CallOption) (*pb.ConfigureResponse, error) {
	refused := func(answer *pb.ConfigureResponse) string {
		if answer.GetError() != "" || len(answer.GetErrors()) > 0 {
			return invalidConfig
		}
		return ""
	}
	return call(t.calls, "Configure", refused, func() (*pb.ConfigureResponse, error) { return t.BackendClient.Configure(ctx, in, opts...) })
}

func (t timed) Flush(ctx context.Context, in *pb.FlushRequest, opts ...grpc.CallOption) (*pb.FlushResponse, error) {
	return call(t.calls, "Flush", failedTo, func() (*pb.FlushResponse, error) { return t.BackendClient.Flush(ctx, in, opts...) })
}

func (t timed) Health(ctx context.Context, in *pb.HealthRequest, opts ...grpc.CallOption) (*pb.HealthResponse, error) {
	return call(t.calls, "Health", nil, func() (*pb.HealthResponse, error) { return t.BackendClient.Health(ctx, in, opts...) })
}

func (t timed) Shutdown(ctx context.Context, in *pb.ShutdownRequest, opts ...grpc.CallOption) (*pb.ShutdownResponse, error) {
	return call(t.calls, "Shutdown", failedTo, func() (*pb.ShutdownResponse, error) { return t.BackendClient.Shutdown(ctx, in, opts...) })
}

// statusName returns the name of a status in gRPC's specification: statuscodes.md of
// gRPC's documentation.
func statusName(c codes.Code) string {
	if c == codes.Canceled {
		return "CANCELLED"
	}
	var b strings.Builder
	for i, r := range c.String() {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
