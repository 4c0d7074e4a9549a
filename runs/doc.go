// Package runs keeps runs on disk: what a run was given, and one record for each
// attempt of its nodes. A run that ended at any point, by a kill too, can be
// continued from there without running again what has finished.
//
// # Keeping a run
//
// [Open] gives a directory of runs, a [Store]. [Store] begins a run or continues
// it, and hands out its [Log]:
//
//	store, err := runs.Open(".spanloom/runs", runs.Options{})
//	…
//	log, err := store.Open(ctx, runs.Header{ID: id, Pipeline: "billing", Plan: hash})
//	if errors.Is(err, runs.ErrBusy) { … } // another process is at it
//	first, starts := log.First() // compare first.Plan and first.Input when starts > 0
//	if done, ok, err := log.Finished("node", "billing/load"); ok { … } // use done.Outputs
//	err = log.Append(record)
//	err = log.Close("success", "")
//
// # History
//
// [Dir.List], [Dir.Stat] and [Dir.Read] read what runs have left behind, while
// they go on too. [Dir.Prune] and [Dir.Remove] delete it.
//
// # What survives
//
// A record that Append has accepted survives the death of the process. With
// [Options.Sync] it survives a power failure as well, as far as the disk keeps
// its word; without, the last seconds before one may be missing.
//
// # The file
//
// A run is one file, which is only ever appended to. A line of it is
//
//	checksum length head [TAB body] LF
//
// where checksum (CRC-32C, from the checksum of the first line on) and length
// are eight hexadecimal digits each, and head and body are JSON objects. Every
// line goes out in one write. `cut -c19- file | jq .` shows it.
//
// A tail without its line feed, as a killed process leaves it, is cut off when
// the run is continued. A damaged line is passed over, and both are counted in
// [Summary]. Only with a damaged first line a file is refused.
//
// The time of a file is the last sign of life of its run. One of 1970 says that the
// disk had no room for a line: see [Log].Crashes.
//
// # Who may read it
//
// The directory is made with mode 0700 and files with 0600: they hold the values
// of nodes as they are. A directory or file that other users can write to, or
// that belongs to one, is refused, and so are links. While a run is open its file
// is locked; systems without flock(2) know only the runs of their own process.
//
// # Stability
//
// Experimental until v1: the engine uses it as it is here. Do not implement
// [Log] or [Store] elsewhere yet; methods may be added.
//
// This package imports the standard library, and a helper on top of it, only.
package runs
