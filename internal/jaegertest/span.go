package jaegertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/internal/servertest"
)

const traceTimeout = 15 * time.Second

// Span is one span as Jaeger stored it. Ids are lower-case hexadecimal; a root
// has an empty ParentSpanID. Attribute values are string, int64, float64,
// bool, []any or map[string]any.
type Span struct {
	TraceID       string
	SpanID        string
	ParentSpanID  string
	Name          string
	Kind          trace.SpanKind
	Start, End    time.Time
	StatusCode    codes.Code
	StatusMessage string
	Attributes    map[string]any
	Events        []Event
	Links         []Link
	Service       string
	Resource      map[string]any
	ScopeName     string
	ScopeVersion  string
}

// Event is something that happened during a span.
type Event struct {
	Name       string
	Time       time.Time
	Attributes map[string]any
}

// Link points at a span of another trace.
type Link struct {
	TraceID, SpanID string
	Attributes      map[string]any
}

// Trace returns the spans stored under an id, in Jaeger's order; none is not
// an error.
func (s *Server) Trace(ctx context.Context, traceID string) ([]Span, error) {
	status, body, err := servertest.Get(ctx, s.QueryEndpoint()+"/api/v3/traces/"+traceID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read trace %s: %w", traceID, err)
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, fmt.Errorf("read trace %s: status %d: %s", traceID, status, body)
	}
	spans, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("read trace %s: %w", traceID, err)
	}
	return spans, nil
}

// WaitTrace polls until a trace has n spans or more and returns them; the test
// fails when that takes longer than 15 s.
func (s *Server) WaitTrace(t testing.TB, traceID string, n int) []Span {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), traceTimeout)
	defer cancel()
	var (
		seen    int
		lastErr error
	)
	for {
		spans, err := s.Trace(ctx, traceID)
		if err == nil && len(spans) >= n {
			return spans
		}
		if ctx.Err() == nil {
			seen, lastErr = len(spans), err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("trace %s has %d spans after %v, want %d (last error: %v)\nJaeger printed:\n%s",
				traceID, seen, traceTimeout, n, lastErr, s.Logs())
		case <-time.After(servertest.PollInterval):
		}
	}
}

// The OTLP JSON of one trace, as far as tests look at it.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
type (
	otlpTrace struct {
		Result struct {
			ResourceSpans []struct {
				Resource struct {
					Attributes attributes `json:"attributes"`
				} `json:"resource"`
				ScopeSpans []struct {
					Scope struct {
						Name    string `json:"name"`
						Version string `json:"version"`
					} `json:"scope"`
					Spans []otlpSpan `json:"spans"`
				} `json:"scopeSpans"`
			} `json:"resourceSpans"`
		} `json:"result"`
	}

	otlpSpan struct {
		TraceID      string         `json:"traceId"`
		SpanID       string         `json:"spanId"`
		ParentSpanID string         `json:"parentSpanId"`
		Name         string         `json:"name"`
		Kind         trace.SpanKind `json:"kind"`
		Start        unixNano       `json:"startTimeUnixNano"`
		End          unixNano       `json:"endTimeUnixNano"`
		Attributes   attributes     `json:"attributes"`
		Events       []struct {
			Name       string     `json:"name"`
			Time       unixNano   `json:"timeUnixNano"`
			Attributes attributes `json:"attributes"`
		} `json:"events"`
		Links []struct {
			TraceID    string     `json:"traceId"`
			SpanID     string     `json:"spanId"`
			Attributes attributes `json:"attributes"`
		} `json:"links"`
		Status struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"status"`
	}
)

func parse(body []byte) ([]Span, error) {
	var doc otlpTrace
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	var spans []Span
	for _, resource := range doc.Result.ResourceSpans {
		service, _ := resource.Resource.Attributes["service.name"].(string)
		for _, scope := range resource.ScopeSpans {
			for i := range scope.Spans {
				span := scope.Spans[i].span()
				span.Service, span.Resource = service, resource.Resource.Attributes
				span.ScopeName, span.ScopeVersion = scope.Scope.Name, scope.Scope.Version
				spans = append(spans, span)
			}
		}
	}
	return spans, nil
}

func (o *otlpSpan) span() Span {
	span := Span{
		TraceID:       o.TraceID,
		SpanID:        o.SpanID,
		ParentSpanID:  o.ParentSpanID,
		Name:          o.Name,
		Kind:          o.Kind,
		Start:         time.Time(o.Start),
		End:           time.Time(o.End),
		StatusCode:    statusCode(o.Status.Code),
		StatusMessage: o.Status.Message,
		Attributes:    o.Attributes,
	}
	for _, e := range o.Events {
		span.Events = append(span.Events, Event{Name: e.Name, Time: time.Time(e.Time), Attributes: e.Attributes})
	}
	for _, l := range o.Links {
		span.Links = append(span.Links, Link{TraceID: l.TraceID, SpanID: l.SpanID, Attributes: l.Attributes})
	}
	return span
}

// statusCode turns OTLP's numbers into those of the Go API, which differ.
func statusCode(code int) codes.Code {
	switch code {
	case 1:
		return codes.Ok
	case 2:
		return codes.Error
	default:
		return codes.Unset
	}
}

type unixNano time.Time

func (u *unixNano) UnmarshalJSON(data []byte) error {
	ns, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	*u = unixNano(time.Unix(0, ns))
	return err
}

type attributes map[string]any

func (a *attributes) UnmarshalJSON(data []byte) error {
	var list []keyValue
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*a = make(attributes, len(list))
	for _, kv := range list {
		// Jaeger's remarks on a span are not part of what was sent.
		if !strings.HasPrefix(kv.Key, "@jaeger@") {
			(*a)[kv.Key] = kv.Value.any()
		}
	}
	return nil
}

type keyValue struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

// value is OTLP's AnyValue: at most one field is set.
type value struct {
	String *string  `json:"stringValue"`
	Bool   *bool    `json:"boolValue"`
	Int    *int64   `json:"intValue,string"`
	Double *float64 `json:"doubleValue"`
	Bytes  *string  `json:"bytesValue"`
	Array  *struct {
		Values []value `json:"values"`
	} `json:"arrayValue"`
	KVList *struct {
		Values attributes `json:"values"`
	} `json:"kvlistValue"`
}

func (v value) any() any {
	switch {
	case v.String != nil:
		return *v.String
	case v.Bool != nil:
		return *v.Bool
	case v.Int != nil:
		return *v.Int
	case v.Double != nil:
		return *v.Double
	case v.Bytes != nil:
		return *v.Bytes
	case v.Array != nil:
		list := make([]any, len(v.Array.Values))
		for i := range list {
			list[i] = v.Array.Values[i].any()
		}
		return list
	case v.KVList != nil:
		return map[string]any(v.KVList.Values)
	default:
		return nil
	}
}
