// Package callbacktest checks that whatever calls the hooks of
// [callbacks.PipelineCallback] keeps their contract.
//
//	rec := &callbacktest.Recorder{}
//	_, err := pipeline.Run(ctx, in, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}})
//	if err := callbacktest.Check(rec.Events()); err != nil {
//		t.Error(err)
//	}
//
// # Stability
//
// Stable.
package callbacktest
