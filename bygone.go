package spanloom

import (
	"slices"

	"github.com/spanloom/spanloom/pluginhost"
)

// bygone is what became of the telemetry for a backend that is gone, or for several of a
// name that have left nothing in a spool.
type bygone struct {
	pluginhost.Stats

	spool string // the directory; "" for none
}

// heir returns the host that sends what is in a spool; nil when there is none.
func heir(hosts []*pluginhost.Host, spool string) *pluginhost.Host {
	i := slices.IndexFunc(hosts, func(h *pluginhost.Host) bool { return spool != "" && h.Spool() == spool })
	if i < 0 {
		return nil
	}
	return hosts[i]
}

// handOver notes what h has taken over from backends that are gone. r.mu is held.
func (r *reloading) handOver(h *pluginhost.Host) {
	for i := range r.past {
		if p := &r.past[i]; p.spool == h.Spool() {
			p.Stats = p.HandedOver(h)
		}
	}
}

// remember adds what became of the telemetry for a backend that is gone. What it has left
// in a spool stays by itself, until somebody takes it over. r.mu is held.
func (r *reloading) remember(h *pluginhost.Host) {
	var list []bygone
	for _, b := range append(r.past, bygone{h.Stats(), h.Spool()}) {
		i := slices.IndexFunc(list, func(p bygone) bool { return p.Name == b.Name && p.Kept == 0 })
		if i < 0 || b.Kept > 0 {
			list = append(list, b)
			continue
		}
		list[i].Stats = b.With(list[i].Stats)
	}
	r.past = list
}

// stats returns those of all backends that there are, and then of those that were.
func (r *reloading) stats(set *pluginhost.Set) []pluginhost.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []pluginhost.Stats{}
	for _, h := range set.Hosts() {
		list = append(list, h.Stats())
	}
	add := func(old pluginhost.Stats) {
		i := slices.IndexFunc(list, func(s pluginhost.Stats) bool { return s.Name == old.Name })
		if i < 0 {
			list = append(list, old)
			return
		}
		list[i] = list[i].With(old)
	}
	for _, h := range r.draining {
		s := h.Stats()
		if next := heir(set.Hosts(), h.Spool()); next != nil {
			s = s.HandedOver(next)
		}
		add(s)
	}
	for _, h := range set.Hosts() {
		r.handOver(h)
	}
	for _, old := range r.past {
		add(old.Stats)
	}
	return list
}
