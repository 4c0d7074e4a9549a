// Package pluginhost runs a telemetry backend beside a program and feeds it.
//
// # A backend from the outside
//
// A [Host] is a callback like any other: its hooks copy a few words into a
// queue and return. A goroutine encodes what is queued in batches, soon and
// whether or not the backend is there, so that nothing of the program is kept
// in memory for it. Another sends them to the backend, which is a process made of this program's own executable
// ([Self]), a binary of somebody else ([Executable]), part of this process ([InProcess]),
// or already there, at an address ([Remote]). A [Set] is the hosts of a program that may
// change while it runs.
//
//	h := pluginhost.Start(pluginhost.Spec{Name: "console", Launch: pluginhost.Self(console.New())})
//	_, err := pipeline.Run(ctx, in, engine.Config{Callbacks: []callbacks.PipelineCallback{h}})
//	h.Shutdown(ctx)
//	if line, ok := h.Lost(); ok {
//		fmt.Fprintln(os.Stderr, line)
//	}
//
// # What the program makes by itself
//
// What node code makes with OpenTelemetry goes the same way: [NewConn] returns a
// connection for the stock OTLP exporters, which puts their requests into the
// queues of any number of hosts by [Host.Export]. They stand among the events and
// have their acknowledgement and their ledger.
//
// # What happens when a backend fails
//
// A backend that is missing, ends before it was ready or refuses its config is given
// up: all events are counted as dropped, and [Host.Lost] says so in one line.
//
// One that was ready and then dies or hangs is killed if need be and started again:
// after a quarter of a second at first, after twice as long each further time, and
// after half a minute from the fifth time on, until it has been up for a minute. Each
// time 20 % more or less. What it had not acknowledged is sent to its successor, in
// order, so that nothing is lost and some events may be exported twice, with the same
// span ids, epoch and batch numbers. Events that come meanwhile queue. A batch with
// which five backends end one after another, without acknowledging anything, is
// dropped: it may be what ends them. Shutdown starts a backend that waits for its
// next start at once, and once.
//
// The run never waits for a backend and never fails because of it.
//
// A backend that is alive and slow is left alone. The queue has a bound, above
// which new events are dropped and counted.
//
// # What survives
//
// With [Spec].Durable the batches are written to the disk before they are sent, and
// are sent from there until the backend has exported them: by this host, or by the next
// one with the same directory. So neither the end of the program nor that of the backend
// loses what was written, and a batch of which nothing could be exported is sent again
// for as long as nothing else can be either. Hooks do not wait for the disk. A backend
// that is given up loses nothing then: [Host.Kept] tells of what waits for the next
// start.
//
// # The ledger
//
// [Host.Stats] is exact at every moment: every event that was emitted is either
// delivered, which means that the backend has said so after its export, or
// dropped for a reason, or in flight, or kept on the disk. A request of an exporter is
// one event.
//
// # Processes
//
// A backend process has a process group of its own, no standard input and no open file
// of ours, a directory of its own that only our user can enter, limits where the system
// has them, and of the environment only what [Spec] names. An [Executable] is verified
// with each start, and what was verified is what runs. Both ends of its connection prove by certificates
// that they are who started whom. It ends with its host, however and whenever
// that ends, and so does what it has started in its group.
//
// # Texts
//
// What a backend says in an error is shown without control characters, on one
// line and shortened, and after [Spec].Redact. What it writes for people passes
// as it is, because it may have colours. It is dropped when nobody reads it.
//
// # Stability
//
// Experimental: names may change until version 1.
package pluginhost
