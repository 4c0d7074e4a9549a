// Package backend is what the author of a telemetry backend imports.
//
// # Writing one
//
// A [Backend] opens an [Instance]. Of the ways to one, take the first that will do:
//
//   - [FromExporters], of exporters of OpenTelemetry's SDK: spans, metrics and log
//     records come as any program would export them.
//   - [FromCallback], of a [callbacks.PipelineCallback]: what happens in runs, hook by
//     hook. A backend is a callback in another process.
//   - [BatchReceiver]: what comes over the wire, as it is.
//
// [New] makes the backend, with a config that is a struct. The whole main is
//
//	func main() {
//		backend.Serve(backend.New("zipkin", config{}, func(_ context.Context, c backend.Config, cfg config) (backend.Instance, error) {
//			exporter, err := zipkin.New(cfg.URL)
//			if err != nil {
//				return nil, err
//			}
//			return backend.FromExporters(c, backend.Exporters{Spans: exporter})
//		}))
//	}
//
// and the host does the rest: it starts the process, sends it the hooks of each
// run in batches, and counts what was acknowledged.
//
// # What the program makes by itself
//
// Spans, metrics and log records that node code makes with OpenTelemetry come as
// OTLP requests, to an instance that takes them: a [TracesReceiver], a
// [MetricsReceiver] or a [LogsReceiver]. They are acknowledged with the hooks
// among which they come.
//
// # Where output goes
//
// A backend process has no terminal. What it writes to [Config].Output comes
// out at the host's standard error; what it writes to its own standard error is
// kept by the host for error messages.
//
// # When the process ends
//
// It ends by itself when its connection to the host ends, after closing the
// instance, or when the host is gone before there was a connection. What the
// backend started in its own process group ends with it: nothing is left behind
// by a host that was killed. One process serves one entry of a manifest.
//
// # At an address
//
// [ServeAddress] serves programs on other machines, over TLS, each connection with an
// instance of its own. Their manifests say address in place of plugin.
//
// # In other languages
//
// The protocol is proto/spanloom/backend/v1/backend.proto, whose comments are
// its documentation; package backendpb is generated from it. What stands around it is
// told by docs/backend-protocol.md.
//
// # Testing
//
// Package backendtest checks the rules that a backend keeps, in one call.
//
// # Stability
//
// Experimental: names may change until version 1.
package backend
