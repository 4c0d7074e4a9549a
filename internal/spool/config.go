package spool

import (
	"fmt"
	"time"
)

// Config says what a spool may keep. The zero value works.
type Config struct {
	// MaxBytes is the most that a process keeps on the disk, with what it has taken
	// over from others. Above it new batches are refused, never old ones removed.
	// What is acknowledged counts until its whole segment is. Defaults to 1 GiB.
	MaxBytes int64
	// MaxAge is how long a batch is kept. Segments that were last written to longer
	// ago are removed and counted, at Open and whenever a segment is begun. Defaults
	// to 7 days.
	MaxAge time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.MaxBytes < 0:
		return c, fmt.Errorf("MaxBytes is %d; it may not be negative", c.MaxBytes)
	case c.MaxAge < 0:
		return c, fmt.Errorf("MaxAge is %s; it may not be negative", c.MaxAge)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.MaxAge == 0 {
		c.MaxAge = 7 * 24 * time.Hour
	}
	return c, nil
}

// Batch is what a spool keeps. It does not look into Data.
type Batch struct {
	Epoch  uint64 // of the process that appended it
	Seq    uint64 // its number in the epoch, from 1
	Events int    // how many events it stands for
	Data   []byte
}

// Count is a number of batches, and of the events in them.
type Count struct{ Batches, Events uint64 }

func (c *Count) add(events int) {
	c.Batches++
	c.Events += uint64(events)
}

// Stats is what a spool holds and what became of its batches, at one moment.
type Stats struct {
	// Bytes is what counts for MaxBytes.
	Bytes int64
	// Adopted is what others had left unacknowledged at Open and Adopt, with what has
	// expired since.
	Adopted Count
	// Appended is what was accepted, and Refused what was not, for want of room or
	// because the disk failed.
	Appended, Refused Count
	// Expired was removed unacknowledged because of its age, and Stale is the part of
	// it that others had left.
	Expired, Stale Count
	// Damaged counts the places where something was lost to damage, a batch as a rule.
	Damaged uint64
	// Torn counts segments that end in the middle of a batch, as a crash leaves them.
	// Nobody was told that such a batch is kept.
	Torn uint64
	// Failures counts failed writes and syncs. Each has ended a segment.
	Failures uint64
}
