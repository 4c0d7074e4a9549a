// Package console is the backend that prints each run as a tree, while it runs.
//
//	pipeline quickstart  run 4f1c2a9b  trace 7d0e0000000000000000000000000001
//	  node walk                                    1.2ms  ok
//	  map parse                                   41.0ms  ok  87 items
//	pipeline quickstart                           46.1ms  ok
//
// # Config
//
//	backends:
//	  - plugin: console
//	    config:
//	      color: auto      # auto, always or never
//	      verbose: false   # true: map items, all retries, cache misses, span ids, functions
//
// # Reading it
//
// A step is a line with its span's name, its duration and how it ended; what has
// steps inside has a line before them too. The message of a failure stands on
// the deepest line that failed. A map is one line, and up to five lines for
// items that failed.
//
// A step whose stored result was used is "cached", with the time that this saved;
// "by an earlier start" says that the run itself had kept it. Up to five failed
// attempts of a node have a line each; those of items are counted. A step that
// does not run is "skipped", with the reason, and what a gate ended is "stopped".
// The rounds of a loop are told apart as #1, #2 and so on.
//
// Log records that the program makes with OpenTelemetry, as by a bridge from slog,
// stand as lines in the step in which they were made: time, level, message and
// attributes. One of a step that is not printed, such as a map item, stands in the
// next around it and says where it was made, if that is known.
//
//	node fetch
//	  09:00:00.002  INFO   page fetched  page=3  url=https://example.com
//	node fetch                                   1.2ms  ok
//
// The program's own spans and metrics are not printed.
//
// The output is only ever added to. Where steps run at the same time, one of
// them is printed as it runs and the others when it has ended; several runs are
// printed one after another in the same way. When too much waits, or a run is
// silent for long, the next one is printed and the first goes on later, under a
// line that ends in "(continued)".
//
// # Safe to print
//
// Names and messages are text from outside: control characters, escape
// sequences and whatever changes the direction of text are shown as \x1b or
// \u202e. A line of output is one fact.
//
// # Stability
//
// The config is stable. The text is for people and may change; the Go names are
// experimental until version 1.
package console
