package pluginhost

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Losses is what was lost, each kind by itself: an export counts as what it held.
type Losses struct {
	// Events are calls of hooks.
	Events uint64
	// Spans, DataPoints and LogRecords are those that the program made with
	// OpenTelemetry, and the metrics of its runs.
	Spans, DataPoints, LogRecords uint64
}

// String returns the losses in words, such as "12 events, 1 span and 3 log records".
func (l Losses) String() string {
	var list []string
	for _, kind := range [...]struct {
		n    uint64
		name string
	}{{l.Events, "event"}, {l.Spans, "span"}, {l.DataPoints, "data point"}, {l.LogRecords, "log record"}} {
		switch kind.n {
		case 0:
		case 1:
			list = append(list, "1 "+kind.name)
		default:
			list = append(list, fmt.Sprintf("%d %ss", kind.n, kind.name))
		}
	}
	switch last := len(list) - 1; {
	case last < 0:
		return "0 events"
	case last == 0:
		return list[0]
	default:
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
}

// units are Losses while they are counted: hooks, and then what exports of each signal
// held.
type units [1 + signals]uint64

func (u *units) add(other *units) {
	for i, n := range other {
		u[i] += n
	}
}

func (u *units) sub(other *units) {
	for i, n := range other {
		u[i] -= n
	}
}

// least is the smaller of each.
func (u *units) least(other *units) (list units) {
	for i, n := range other {
		list[i] = min(u[i], n)
	}
	return list
}

func (u *units) losses() Losses {
	return Losses{Events: u[0], Spans: u[1+Traces], DataPoints: u[1+Metrics], LogRecords: u[1+Logs]}
}

// unit is the place of a signal's things in units.
func (s Signal) unit() int { return 1 + int(s) }

// things returns how many spans, data points or log records a request holds, as far
// as it can be read.
func things(s Signal, request []byte) uint64 {
	// The lists from the outside in: resources, scopes, spans or records or metrics.
	if s != Metrics {
		return counted(request, []protowire.Number{1, 2, 2})
	}
	n := uint64(0)
	for _, kind := range [...]protowire.Number{5, 7, 9, 10, 11} { // gauge, sum, histograms, summary
		n += counted(request, []protowire.Number{1, 2, 2, kind, 1})
	}
	return n
}

// counted returns how many messages there are at the end of a path of fields.
func counted(data []byte, path []protowire.Number) (n uint64) {
	if len(path) == 0 {
		return 1
	}
	for len(data) > 0 {
		number, typ, size := protowire.ConsumeTag(data)
		if size < 0 {
			return n
		}
		data = data[size:]
		if number == path[0] && typ == protowire.BytesType {
			inner, size := protowire.ConsumeBytes(data)
			if size < 0 {
				return n
			}
			n += counted(inner, path[1:])
			data = data[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(number, typ, data); size < 0 {
			return n
		}
		data = data[size:]
	}
	return n
}
