// Package propagation carries the identity of a run between Spanloom and the
// tracing world around it, by W3C Trace Context (Level 2) and W3C Baggage. The
// reading and writing of both is OpenTelemetry's; this package adds limits, and
// the decision whom to trust. It sets none of OpenTelemetry's globals.
//
// # Joining OpenTelemetry
//
// [OTel] is for embedding in a callback, or for listing beside others. With it
// a run that is started under an OpenTelemetry span becomes a child of that
// span, and code inside a node finds the node in its context:
//
//	ctx, span := tracer.Start(ctx, "fetch page") // in a node: a child of the node
//
// # Between processes
//
// To and from the network a [Config] says whom to trust:
//
//	handler = config.Middleware(handler)                              // HTTP in
//	client := &http.Client{Transport: config.Transport(nil)}          // HTTP out
//	server := grpc.NewServer(grpcprop.ServerOptions(config)...)       // package grpcprop
//	conn, err := grpc.NewClient(target, grpcprop.DialOptions(config)...)
//	ctx = config.Receive(ctx, propagation.Map(message.Headers))       // anything else
//
// To and from processes of the same machine:
//
//	cmd.Env = propagation.Environ(ctx, cmd.Environ()) // to a child
//	ctx = propagation.FromEnvironment(ctx)            // in main of the child
//
// [Inject] and [Extract] are beneath all of them, without that decision.
//
// # Trust
//
// A Go context and the environment are trusted. A request is not, unless the
// Config says so: what it led to is a new root, whose sampling no stranger
// decides, with [Incoming] for a link to what came in. Baggage leaves only for
// hosts that the Config names, and becomes attributes only by its list of keys.
//
// # What is recorded
//
// What node code records on the span that it finds joins the span of its node, item
// or attempt: attributes, events, errors, links and a status. It does so while the
// code runs, and if the run is sampled: IsRecording says so. The name and the times
// are those of the scope; SetName and End do nothing. What the scope itself says
// counts more: its own attributes, and the status of one that failed. An error that
// was recorded, and then returned, is one exception and not two.
//
// At most 128 attributes, 128 events and 128 links are kept, texts of at most 8 KiB,
// and 64 KiB in all; the span says how many were dropped.
//
// # Stability
//
// Experimental: names may change until version 1.
package propagation
