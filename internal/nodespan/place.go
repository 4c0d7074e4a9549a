package nodespan

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spanloom/spanloom/callbacks"
)

// The recorder of a scope, and that of its latest attempt with a span of its own.
// Both stand at the scope itself, where its hooks find them.
var (
	ofScope   = callbacks.NewKey[*recorder]("what node code has recorded")
	ofAttempt = callbacks.NewKey[*recorder]("what the code of the attempt has recorded")
)

// place returns the scope whose hooks tell of cc, and the number of the attempt that
// has a span of its own in it; 0 for the scope itself. The code of a first attempt
// was told the id of the scope's span.
func place(cc *callbacks.CallbackContext) (scope *callbacks.CallbackContext, attempt int) {
	if cc.Kind() != callbacks.KindAttempt || cc.Parent() == nil {
		return cc, 0
	}
	if cc.Attempt() > 1 {
		attempt = cc.Attempt()
	}
	return cc.Parent(), attempt
}

func key(attempt int) *callbacks.Key[*recorder] {
	if attempt == 0 {
		return ofScope
	}
	return ofAttempt
}

// Recording reports whether what is recorded in cc's scope becomes part of a span:
// the run is sampled, and the scope and its attempt have not ended.
func Recording(cc *callbacks.CallbackContext) bool {
	const sampled = 1
	scope, attempt := place(cc)
	if cc.Identity().Flags&sampled == 0 || scope.Ended() {
		return false
	}
	r, ok := key(attempt).In(scope)
	return !ok || r.attempt == attempt && r.open() || r.attempt < attempt
}

// of returns the recorder of cc's scope or attempt; nil when nothing is to be
// recorded.
func of(cc *callbacks.CallbackContext) *recorder {
	if !Recording(cc) {
		return nil
	}
	scope, attempt := place(cc)
	var r *recorder
	key(attempt).Update(scope, func(old *recorder, ok bool) *recorder {
		switch {
		case !ok || old.attempt < attempt:
			r = &recorder{scope: scope, attempt: attempt}
			return r
		case old.attempt == attempt:
			r = old
		}
		return old // that of a later attempt: this one's code runs after its time
	})
	return r
}

// Some reports whether anything was recorded in cc's scope or in its attempts.
func Some(cc *callbacks.CallbackContext) bool {
	if _, ok := ofScope.In(cc); ok {
		return true
	}
	_, ok := ofAttempt.In(cc)
	return ok
}

// Take ends the recording of cc's scope and returns what was recorded, or nil. All
// who ask get the same, which must not be changed.
func Take(cc *callbacks.CallbackContext) *Recorded { return take(cc, 0) }

// TakeAttempt is [Take] for an attempt of cc's scope, by its number from 2.
func TakeAttempt(cc *callbacks.CallbackContext, attempt int) *Recorded {
	if attempt < 2 {
		return nil
	}
	return take(cc, attempt)
}

func take(cc *callbacks.CallbackContext, attempt int) *Recorded {
	r, ok := key(attempt).In(cc)
	if !ok || r.attempt != attempt {
		return nil
	}
	return r.take()
}

// Put makes rec what was recorded in cc's scope, or in an attempt of it. It is for a
// backend, which was told of it.
func Put(cc *callbacks.CallbackContext, attempt int, rec *Recorded) {
	r := &recorder{scope: cc, attempt: attempt, closed: true, rec: *rec}
	key(attempt).Set(cc, r)
}

// Say notes what is known of cc's scope at its start, sampled or not: the span of a
// run that is kept has it too. It is for the beginning of a run, before any code, and
// may be called again: what was said first stays.
func Say(cc *callbacks.CallbackContext, list []attribute.KeyValue, links ...Link) {
	r, ok := ofScope.In(cc)
	if !ok {
		r = &recorder{scope: cc}
	}
	for _, kv := range list {
		if slices.ContainsFunc(r.rec.Attributes, func(old attribute.KeyValue) bool { return old.Key == kv.Key }) {
			continue
		}
		if !r.set(kv) {
			r.rec.DroppedAttributes++
		}
	}
	for _, l := range links {
		if !slices.ContainsFunc(r.rec.Links, func(old Link) bool { return old.SpanContext.Equal(l.SpanContext) }) {
			r.rec.Links = append(r.rec.Links, l)
		}
	}
	ofScope.Set(cc, r)
}
