// Package spool keeps telemetry on the disk until a backend has exported it: batches
// of bytes with an epoch, which is a process, and a number in it.
//
//	s, err := spool.Open(dir, epoch, spool.Config{})
//	n, err := s.Append(batches...) // the first n are on the disk now
//
//	r := s.NewReader() // what dead processes have left, and then what is appended
//	for {
//		b, ok, err := r.Next()
//		…                       // send b; when there is none, wait for <-s.More()
//	}
//	s.Ack(b.Epoch, b.Seq) // everything of the epoch up to here is exported
//
// # What is promised
//
// What Append has accepted survives the death of the process and a power failure, as
// far as the disk keeps its word, and is read, here or by a process that opens the
// directory later, until it is acknowledged, expires, or is damaged. After a crash some of
// what was acknowledged may come again, and so may a batch that was refused because
// the disk failed.
//
// A damaged place costs the batches that it is in, is counted, and stops nothing.
//
// # What is refused
//
// Above [Config.MaxBytes], and when the disk is full, new batches are refused, and old
// ones kept. Once space is back it takes a quarter of a second at most until batches
// are accepted again.
//
// # The directory
//
//	lock                                        held while a log is made or taken over
//	v1-20261121T170000.123456789Z-8a…16 digits/ the log of a process: its start, its epoch
//		lock                                held as long as the process lives
//		acked                               up to where everything is acknowledged
//		00000001.seg                        a segment: frames, one behind the other
//
// A segment is only ever appended to, and removed when all of it is acknowledged. After
// a failed write or sync it is never written to again. Nothing is renamed.
//
// Directories are made with mode 0700 and files with 0600, and what others could read
// or change is refused: the spool holds telemetry as it is. Links are not followed.
package spool
