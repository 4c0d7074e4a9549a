// Package logs joins log/slog with the runs of Spanloom: every record says where
// in which run and trace it was made, and the runs themselves are logged.
//
// # Use
//
//	logger, err := logs.New(os.Stderr, logs.Config{})
//	…
//	out, err := pipeline.Run(ctx, in, engine.Config{
//		Callbacks: []callbacks.PipelineCallback{logs.Lifecycle(logger)},
//	})
//
// Code inside a node hands its context to the logger, and that is all:
//
//	logger.InfoContext(ctx, "page fetched", "bytes", n)
//
// A program that has a handler already wraps it with [NewHandler].
//
// # What a record says
//
// Inside a run: trace_id, span_id and trace_flags (lower-case hexadecimal, after
// the OpenTelemetry rules for log formats that are not OTLP), spanloom.run.id,
// spanloom.pipeline.name, spanloom.path, spanloom.depth and, where there is one,
// spanloom.node.name, spanloom.map.index and spanloom.attempt.number. Inside an
// OpenTelemetry span, in a run or not, the ids are those of the span. The fields
// stand at the top level, whatever groups the logger has. A field that a record
// or its logger has already is left alone. A record of neither a run nor a span
// passes unchanged.
//
// # Where records go
//
// To a writer, as JSON or text, of which one record is one line, and in which
// what could steer a terminal or deceive a reader is escaped. With a
// LoggerProvider of OpenTelemetry also to that. [Fanout] joins any handlers, and
// none of them suffers from another that fails.
//
// # Stability
//
// Experimental: names may change until version 1.
package logs
