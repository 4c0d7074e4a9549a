// Package providers gives a program the OpenTelemetry providers whose telemetry
// goes to its Spanloom backends.
//
// # Use
//
// They export over one connection, such as that of pluginhost.NewConn:
//
//	p, err := providers.New(conn, providers.Config{Resource: res})
//	…
//	tracer := p.TracerProvider().Tracer("example.com/app")
//	log := otelslog.NewLogger("app", otelslog.WithLoggerProvider(p.LoggerProvider()))
//
// A span that is started with the context of a node is a child of the node's, and
// a log record that is made with it has the node's ids, when the run has
// propagation.OTel among its callbacks.
//
// No global of OpenTelemetry is set. What instruments itself by the globals is
// joined by the application, which may set them to these providers.
//
// # What is lost is counted
//
// Spans wait in a buffer of their own rather than in the SDK's batch processor,
// which drops without a word. Log records are exported as they are made, so that
// they stand where they belong among the events of a run. An exporter that fails
// does not print by OpenTelemetry's error handler: [Providers.Stats] counts what
// became of everything, and [Providers.Lost] says it in a line.
//
// Over a connection of pluginhost, an export means that the telemetry is in the
// hosts' queues, whose ledgers count from there. That connection also hides what is
// secret: the providers take nothing out.
//
// # Stability
//
// Experimental: names may change until version 1.
package providers
