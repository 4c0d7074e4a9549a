package logs_test

import (
	"context"
	"errors"
	"os"
	"regexp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/logs"
)

// steady writes to standard output and puts words in the place of what differs
// from run to run. A program takes os.Stderr.
type steady struct{}

var differs = regexp.MustCompile(`("?(time|trace_id|span_id|duration_s)"?[=:]"?)[0-9a-zA-Z.:+-]+`)

func (steady) Write(p []byte) (int, error) {
	_, err := os.Stdout.Write(differs.ReplaceAll(p, []byte("${1}…")))
	return len(p), err
}

var out steady

// pipeline returns a pipeline of one step.
func pipeline(name string, step engine.Step[int, int]) *engine.Pipeline[int, int] {
	return engine.Define(name, func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, step, n)
	})
}

// listening runs pipelines that cb listens to.
func listening(cb callbacks.PipelineCallback) engine.Config {
	return engine.Config{RunID: "2026-11-21", Callbacks: []callbacks.PipelineCallback{cb}}
}

func ExampleLifecycle() {
	logger, err := logs.New(out, logs.Config{Level: "debug", Format: "text"})
	if err != nil {
		return // a value that is none, in the Config or in the environment
	}
	charge := engine.Node("charge", func(ctx context.Context, _ int) (int, error) {
		if callbacks.FromContext(ctx).Attempt() == 1 {
			return 0, errors.New("busy")
		}
		return 0, errors.New("card declined")
	}, engine.WithRetry(engine.Retry{Attempts: 2}))

	_, _ = pipeline("billing", charge).Run(context.Background(), 5, listening(logs.Lifecycle(logger)))
	// Output:
	// time=… level=INFO msg="run started" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing spanloom.depth=0 spanloom.runner=local
	// time=… level=DEBUG msg="node started" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing/charge spanloom.node.name=charge spanloom.depth=0 spanloom.attempt.number=1
	// time=… level=WARN msg="attempt failed; another follows" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing/charge spanloom.node.name=charge spanloom.depth=0 spanloom.attempt.number=1 spanloom.attempt.delay=0 error.type=*errors.errorString exception.message=busy
	// time=… level=ERROR msg="node failed" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing/charge spanloom.node.name=charge spanloom.depth=0 spanloom.attempt.number=2 spanloom.result=failure duration_s=… error.type=*errors.errorString exception.message="card declined"
	// time=… level=DEBUG msg="node ended" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing/charge spanloom.node.name=charge spanloom.depth=0 spanloom.attempt.number=2 spanloom.result=failure duration_s=… error.type=*errors.errorString
	// time=… level=INFO msg="run ended" trace_id=… span_id=… trace_flags=01 spanloom.run.id=2026-11-21 spanloom.pipeline.name=billing spanloom.path=billing spanloom.depth=0 spanloom.result=failure duration_s=… error.type=*errors.errorString
}
