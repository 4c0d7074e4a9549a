package disk

import (
	"fmt"
	"time"
)

// Config says what a store may keep.
type Config struct {
	// MaxBytes is the most that all entries may take on disk, each counted in
	// whole blocks of 4 KiB. The index takes some percent more. Defaults to
	// 1 GiB.
	MaxBytes int64
	// MaxAge is how long after its creation an entry is returned. Defaults to
	// no limit.
	MaxAge time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.MaxBytes < 0:
		return c, fmt.Errorf("MaxBytes is %d; it may not be negative", c.MaxBytes)
	case c.MaxAge < 0:
		return c, fmt.Errorf("MaxAge is %s; it may not be negative", c.MaxAge)
	case c.MaxBytes == 0:
		c.MaxBytes = 1 << 30
	}
	return c, nil
}
