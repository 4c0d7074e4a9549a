package pluginhost

import (
	"slices"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

// Set is the hosts of a program as one callback. They may change while runs go on: what
// a run says next, those hear that are there then. Its methods may be called
// concurrently.
type Set struct {
	callbacks.Base

	list atomic.Pointer[setList]
}

type setList struct {
	hosts []*Host
	clean []*Spec // a host's spec for each redactor
	mixed bool    // some hear runs that are not sampled, and some do not
}

var (
	_ callbacks.PipelineCallback = (*Set)(nil)
	_ callbacks.Unsampled        = (*Set)(nil)
)

// NewSet returns a set of hosts.
func NewSet(hosts ...*Host) *Set {
	s := &Set{}
	s.Replace(hosts, nil)
	return s
}

// Hosts returns those that are in the set. The list is not to be changed.
func (s *Set) Hosts() []*Host { return s.list.Load().hosts }

// Replace has other hosts in the set from now on. moved says which take the place of
// which: a hook that is just calling one of the old finds the new, so that an old one
// may be shut down at once and loses nothing. One with none in its place drops and
// counts what comes after its Shutdown.
func (s *Set) Replace(hosts []*Host, moved map[*Host]*Host) {
	l := &setList{hosts: slices.Clone(hosts), clean: redactors(hosts)}
	for _, h := range hosts {
		l.mixed = l.mixed || h.spec.Unsampled != hosts[0].spec.Unsampled
	}
	s.list.Store(l)
	for from, to := range moved {
		from.queue.move(to.queue)
	}
}

// Hooks returns the hooks that are sent to backends.
func (*Set) Hooks() callbacks.Hook { return wire.Carried }

// UnsampledHooks returns those that some backend is to have of runs that are not
// sampled.
func (s *Set) UnsampledHooks() (hooks callbacks.Hook) {
	for _, h := range s.Hosts() {
		hooks |= h.UnsampledHooks()
	}
	return hooks
}

// each calls f with the hosts that hear of a run.
func (s *Set) each(cc *callbacks.CallbackContext, f func(h *Host)) {
	const sampled = 1
	l := s.list.Load()
	all := !l.mixed || cc.Identity().Flags&sampled != 0
	for _, h := range l.hosts {
		if all || h.spec.Unsampled {
			f(h)
		}
	}
}

// OnPipelineStart passes the event on.
func (s *Set) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	s.each(cc, func(h *Host) { h.OnPipelineStart(cc, ev) })
}

// OnPipelineEnd passes the event on.
func (s *Set) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	s.each(cc, func(h *Host) { h.OnPipelineEnd(cc, ev) })
}

// OnNodeStart passes the event on.
func (s *Set) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	s.each(cc, func(h *Host) { h.OnNodeStart(cc, ev) })
}

// OnNodeEnd passes the event on.
func (s *Set) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	s.each(cc, func(h *Host) { h.OnNodeEnd(cc, ev) })
}

// OnNodeCached passes the event on.
func (s *Set) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	s.each(cc, func(h *Host) { h.OnNodeCached(cc, ev) })
}

// OnNestedPipelineStart passes the event on.
func (s *Set) OnNestedPipelineStart(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	s.each(cc, func(h *Host) { h.OnNestedPipelineStart(cc, ev) })
}

// OnNestedPipelineEnd passes the event on.
func (s *Set) OnNestedPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	s.each(cc, func(h *Host) { h.OnNestedPipelineEnd(cc, ev) })
}

// OnMapStart passes the event on.
func (s *Set) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	s.each(cc, func(h *Host) { h.OnMapStart(cc, ev) })
}

// OnMapEnd passes the event on.
func (s *Set) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	s.each(cc, func(h *Host) { h.OnMapEnd(cc, ev) })
}

// OnMapItemStart passes the event on.
func (s *Set) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	s.each(cc, func(h *Host) { h.OnMapItemStart(cc, ev) })
}

// OnMapItemEnd passes the event on.
func (s *Set) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	s.each(cc, func(h *Host) { h.OnMapItemEnd(cc, ev) })
}

// OnMapItemCached passes the event on.
func (s *Set) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	s.each(cc, func(h *Host) { h.OnMapItemCached(cc, ev) })
}

// OnError passes the event on.
func (s *Set) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	s.each(cc, func(h *Host) { h.OnError(cc, ev) })
}

// OnNodeRetry passes the event on.
func (s *Set) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	s.each(cc, func(h *Host) { h.OnNodeRetry(cc, ev) })
}

// OnNodeSkipped passes the event on.
func (s *Set) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	s.each(cc, func(h *Host) { h.OnNodeSkipped(cc, ev) })
}

// OnCrashed passes the event on.
func (s *Set) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	s.each(cc, func(h *Host) { h.OnCrashed(cc, ev) })
}

// OnMetric passes the event on.
func (s *Set) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	s.each(cc, func(h *Host) { h.OnMetric(cc, ev) })
}
