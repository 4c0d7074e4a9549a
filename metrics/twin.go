package metrics

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// names are those of the instruments of node code, by what Prometheus makes of them.
var names struct {
	first sync.Map // from twin to string
	told  sync.Map // twins that were told of, to nil
	count atomic.Int64
}

// maxNames bounds what is remembered, should names be made of data.
const maxNames = 4096

// twin is the same for instruments that are one series in Prometheus.
type twin struct{ kind, name, unit string }

// tellTwins logs, once, that an instrument has another name than an earlier one and
// is the same series in Prometheus, which knows no sign but "_". It returns at once:
// standard error may be a pipe that nobody reads.
func tellTwins(kind, name, unit string) {
	key := twin{kind, prometheusName(name), unit}
	first, ok := names.first.Load(key)
	if !ok {
		if names.count.Load() >= maxNames {
			return
		}
		if first, ok = names.first.LoadOrStore(key, name); !ok {
			names.count.Add(1)
			return
		}
	}
	if first == name {
		return
	}
	if _, told := names.told.LoadOrStore(key, nil); told {
		return
	}
	go slog.Warn("two instruments are one series in Prometheus; rename one", "kind", kind, "first", first, "second", name)
}

// prometheusName is a name without what Prometheus does not tell apart.
// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
func prometheusName(name string) string {
	if !strings.ContainsAny(name, ".-/_") {
		return name
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(".-/_", r) })
	return strings.Join(parts, "_")
}
