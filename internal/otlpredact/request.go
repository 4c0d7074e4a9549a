package otlpredact

import (
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/privacy"
)

// Request returns an export request as it may leave the program: m itself when there
// is nothing secret in it, or else a copy. Points of a metric whose attributes are
// the same then are one. Resources stay, and so do attributes that stand in kept with
// the same text: the manifest says them. What is no export request is returned as it
// is.
func Request(m proto.Message, r *privacy.Redactor, kept map[string]string) proto.Message {
	c := cleaner{redactor: r, kept: kept}
	if c.request(m); !c.found {
		return m
	}
	m = proto.Clone(m)
	c.write = true
	c.request(m)
	return m
}

// cleaner goes through a request: first to look, and then to write, if it has found
// something.
type cleaner struct {
	redactor *privacy.Redactor
	kept     map[string]string
	found    bool
	write    bool
}

// done reports whether there is nothing more to learn.
func (c *cleaner) done() bool { return c.found && !c.write }

func (c *cleaner) request(m proto.Message) {
	switch m := m.(type) {
	case *coltracepb.ExportTraceServiceRequest:
		for _, r := range m.GetResourceSpans() {
			for _, s := range r.GetScopeSpans() {
				c.scope(s.GetScope())
				c.spans(s.GetSpans())
			}
		}
	case *colmetricspb.ExportMetricsServiceRequest:
		for _, r := range m.GetResourceMetrics() {
			for _, s := range r.GetScopeMetrics() {
				c.scope(s.GetScope())
				c.metrics(s.GetMetrics())
			}
		}
	case *collogspb.ExportLogsServiceRequest:
		for _, r := range m.GetResourceLogs() {
			for _, s := range r.GetScopeLogs() {
				c.scope(s.GetScope())
				c.records(s.GetLogRecords())
			}
		}
	}
}

func (c *cleaner) scope(s *commonpb.InstrumentationScope) {
	if s == nil {
		return
	}
	c.text(&s.Name)
	c.text(&s.Version)
	c.attributes(s.GetAttributes())
}

func (c *cleaner) spans(list []*tracepb.Span) {
	for _, s := range list {
		if c.done() {
			return
		}
		c.text(&s.Name)
		c.attributes(s.GetAttributes())
		for _, e := range s.GetEvents() {
			c.text(&e.Name)
			c.attributes(e.GetAttributes())
		}
		for _, l := range s.GetLinks() {
			c.attributes(l.GetAttributes())
		}
		if s.GetStatus() != nil {
			c.text(&s.GetStatus().Message)
		}
	}
}

func (c *cleaner) records(list []*logspb.LogRecord) {
	for _, r := range list {
		if c.done() {
			return
		}
		c.text(&r.EventName)
		c.text(&r.SeverityText)
		c.value(r.GetBody())
		c.attributes(r.GetAttributes())
	}
}
