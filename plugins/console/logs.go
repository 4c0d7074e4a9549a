package console

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

const (
	// maxAttributes is the most attributes of a record in a line.
	maxAttributes = 32
	// maxNested is how deep a value is printed.
	maxNested = 4
	// clock is how the time of a record is written.
	clock = "15:04:05.000"
)

// The attributes that say where a record was made, which its place says too.
const (
	keyRunID = "spanloom.run.id"
	keyPath  = "spanloom.path"
	ownKeys  = "spanloom."
)

var _ backend.LogsReceiver = (*instance)(nil)

// OnLogs prints the log records of the program, each in the innermost step that is
// printed and that it was made in.
func (in *instance) OnLogs(_ context.Context, request *collogspb.ExportLogsServiceRequest) error {
	in.mu.Lock()
	defer in.done()
	for _, rl := range request.GetResourceLogs() {
		for _, sl := range rl.GetScopeLogs() {
			for _, r := range sl.GetLogRecords() {
				in.record(r)
			}
		}
	}
	return nil
}

// record prints one log record.
func (in *instance) record(r *logspb.LogRecord) {
	p := in.runs.placeOf(r)
	at, exact := in.tree.top, false
	if p.run != nil {
		p.run.last = in.now()
		at, exact = in.around(p)
	}
	path := p.path
	if exact {
		path = ""
	}
	in.tree.emit(at, in.layout.record(at.head.level+1, r, path, in.now().Location()))
}

// place is where a record was made, as far as that is known.
type place struct {
	run  *run                       // nil when it is not printed, or has ended
	cc   *callbacks.CallbackContext // of the innermost step that runs
	path string
}

// placeOf finds the place of a record: by the span that it names, or where that is
// one of the program's own, by the place that its attributes tell.
func (rs *runs) placeOf(r *logspb.LogRecord) (p place) {
	var trace callbacks.TraceID
	var span callbacks.SpanID
	if copy(trace[:], r.GetTraceId()) < len(trace) {
		return p
	}
	copy(span[:], r.GetSpanId())
	id := ""
	for _, kv := range r.GetAttributes() {
		switch kv.GetKey() {
		case keyRunID:
			id = kv.GetValue().GetStringValue()
		case keyPath:
			p.path = kv.GetValue().GetStringValue()
		}
	}
	for _, run := range rs.order { // of runs of one trace, the last
		if run.key.trace != trace || id != "" && run.key.id != id {
			continue
		}
		p.run = run
		if p.cc = run.running[span]; p.cc == nil {
			p.cc = run.paths[p.path]
		}
		if p.cc != nil {
			break
		}
	}
	if p.cc != nil && p.path == "" {
		p.path = p.cc.Path()
	}
	return p
}

// around returns the scope that a record at p is printed in, and whether that is
// the very one that it was made in.
func (in *instance) around(p place) (s *scope, exact bool) {
	cc := p.cc
	for cc != nil && (in.hidden(cc) || cc.Kind() == callbacks.KindMapItem && !in.verbose) {
		cc = cc.Parent()
	}
	switch {
	case cc != nil && !unknown(cc):
		return in.runs.scope(p.run, cc), cc == p.cc
	case p.run.root != nil:
		return p.run.root, false
	default:
		return in.tree.top, false
	}
}

// begun notes that a step runs.
func (in *instance) begun(cc *callbacks.CallbackContext) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.runs.of(cc)
	r.last = in.now()
	if len(r.running) < maxScopes {
		r.running[cc.SpanID()] = cc
		r.paths[cc.Path()] = cc
	}
}

// ended forgets it.
func (in *instance) ended(cc *callbacks.CallbackContext) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.runs.byKey[keyOf(cc)]
	if r == nil {
		return
	}
	delete(r.running, cc.SpanID())
	if path := cc.Path(); r.paths[path] != nil && r.paths[path].SpanID() == cc.SpanID() {
		delete(r.paths, path) // else of a step that shares the path
	}
}

// OnNodeStart notes that a node runs.
func (in *instance) OnNodeStart(cc *callbacks.CallbackContext, _ callbacks.NodeStart) { in.begun(cc) }

// OnMapStart notes that a map runs.
func (in *instance) OnMapStart(cc *callbacks.CallbackContext, _ callbacks.MapStart) { in.begun(cc) }

// OnMapItemStart notes that a map item runs.
func (in *instance) OnMapItemStart(cc *callbacks.CallbackContext, _ callbacks.MapItemStart) {
	in.begun(cc)
}

// record returns the line of a log record: time, level, message, attributes.
func (l layout) record(level int, r *logspb.LogRecord, path string, zone *time.Location) string {
	nano := r.GetTimeUnixNano()
	if nano == 0 {
		nano = r.GetObservedTimeUnixNano()
	}
	word, color := severity(r)
	var b strings.Builder
	b.WriteString(time.Unix(0, int64(nano)).In(zone).Format(clock))
	b.WriteString(gap)
	b.WriteString(l.paint(color, fmt.Sprintf("%-5s", l.clean(word))))
	b.WriteString(gap)
	b.WriteString(l.message(l.value(r.GetBody(), 0, false)))
	n := 0
	for _, kv := range r.GetAttributes() {
		if strings.HasPrefix(kv.GetKey(), ownKeys) {
			continue
		}
		if n++; n > maxAttributes {
			b.WriteString(gap + l.dots())
			break
		}
		b.WriteString(gap + l.paint(dim, l.clean(kv.GetKey())+"=") + l.clean(l.value(kv.GetValue(), 0, true)))
	}
	if path != "" {
		b.WriteString(gap + "at " + l.clean(path))
	}
	return l.indent(level) + b.String() + "\n"
}

// severity returns the level of a record and its colour, by the ranges of
// OpenTelemetry's log data model.
func severity(r *logspb.LogRecord) (word, color string) {
	n := int(r.GetSeverityNumber())
	const each = 4
	names := [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	word = r.GetSeverityText()
	if word == "" && n > 0 && n <= each*len(names) {
		word = names[(n-1)/each]
	}
	switch {
	case n >= int(logspb.SeverityNumber_SEVERITY_NUMBER_ERROR):
		color = red
	case n > 0 && n < int(logspb.SeverityNumber_SEVERITY_NUMBER_INFO):
		color = dim
	}
	return word, color
}

// value returns a value as text that is not clean yet. Quoted strings are told
// from other words of a line.
func (l layout) value(v *commonpb.AnyValue, depth int, quoted bool) string {
	if depth > maxNested {
		return l.dots()
	}
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		if s := v.StringValue; !quoted || s != "" && !strings.ContainsAny(s, " \"=[]{}") {
			return s
		}
		return `"` + strings.ReplaceAll(v.StringValue, `"`, `\"`) + `"`
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
	case *commonpb.AnyValue_BytesValue:
		return "0x" + hex.EncodeToString(v.BytesValue[:min(len(v.BytesValue), maxText)])
	case *commonpb.AnyValue_ArrayValue:
		var parts []string
		for _, e := range v.ArrayValue.GetValues()[:min(len(v.ArrayValue.GetValues()), maxAttributes)] {
			parts = append(parts, l.value(e, depth+1, true))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *commonpb.AnyValue_KvlistValue:
		var parts []string
		for _, kv := range v.KvlistValue.GetValues()[:min(len(v.KvlistValue.GetValues()), maxAttributes)] {
			parts = append(parts, kv.GetKey()+"="+l.value(kv.GetValue(), depth+1, true))
		}
		return "{" + strings.Join(parts, " ") + "}"
	default:
		return ""
	}
}
