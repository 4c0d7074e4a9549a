// Package callbacks holds the words that everything in Spanloom shares: the
// [PipelineCallback] interface through which an engine states each fact of a
// run, the [CallbackContext] that says where in the run a fact belongs, and the
// event structs that carry the rest.
//
// # Listening to a run
//
// Embed [Base] and write the hooks you need, or fill a [Funcs]:
//
//	slow := callbacks.Funcs{
//		NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
//			if ev.Duration > time.Second {
//				log.Printf("%s took %s", cc.Path(), ev.Duration)
//			}
//		},
//	}
//
// Hooks observe. They return nothing, cannot change the run, and should return
// quickly: the node waits for them. [Async] is for those that cannot.
//
// # Where am I
//
// A [CallbackContext] knows the run, the trace and span ids, the path and the
// depth of a place in a run, and it is never reused: a child is a new value that
// points to its parent. Node code finds its own by [FromContext].
//
// # The contract
//
// The rules of the order, pairing and identity of hooks stand on
// [PipelineCallback], numbered. Package callbacktest checks the same numbers
// on recorded events.
//
// # Stability
//
// Stable to use and to embed. Do not implement [PipelineCallback] without
// embedding [Base]: new hooks may be added.
//
// This package imports the standard library only.
package callbacks
