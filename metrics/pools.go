package metrics

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
)

// pools are the workers of the runs that go on, by what executes these. Nothing is
// counted: they are asked at a collection.
type pools struct {
	mu    sync.Mutex // held while they are asked: what a run's workers say counts until its end only
	open  map[*callbacks.CallbackContext]pool
	names map[string]bool // that have series
}

type pool struct {
	name    string
	workers callbacks.Workers
}

// add begins to ask the workers of a run.
func (p *pools) add(cc *callbacks.CallbackContext, w callbacks.Workers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open, p.names = map[*callbacks.CallbackContext]pool{}, map[string]bool{}
	}
	name := value(cc.Runner())
	if !p.names[name] {
		if len(p.names) >= maxSeries-1 {
			return
		}
		p.names[name] = true
	}
	p.open[cc] = pool{name, w}
}

// remove ends that.
func (p *pools) remove(cc *callbacks.CallbackContext) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, cc)
}

// loads returns the sums by name. A pool that had a run once has 0 without any.
func (p *pools) loads() map[string]callbacks.Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	sums := make(map[string]callbacks.Load, len(p.names))
	for name := range p.names {
		sums[name] = callbacks.Load{}
	}
	for _, one := range p.open {
		sum, l := sums[one.name], ask(one.workers)
		sum.Busy += l.Busy
		sum.Limit += l.Limit
		sum.Queued += l.Queued
		sums[one.name] = sum
	}
	return sums
}

// ask returns what the workers say. They are code of others: should it panic, they
// say nothing.
func ask(w callbacks.Workers) (l callbacks.Load) {
	defer func() {
		if recover() != nil {
			l = callbacks.Load{}
		}
	}()
	return w.Load()
}

// ofPools returns the series of one instrument.
func ofPools(loads map[string]callbacks.Load, began, now time.Time, of func(callbacks.Load) int) metricdata.Aggregation {
	if len(loads) == 0 {
		return nil
	}
	var points []metricdata.DataPoint[int64]
	for name, l := range loads {
		points = append(points, metricdata.DataPoint[int64]{
			Attributes: attribute.NewSet(keyPool.String(name)), StartTime: began, Time: now, Value: int64(of(l)),
		})
	}
	return metricdata.Sum[int64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}
