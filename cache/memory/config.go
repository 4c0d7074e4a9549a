package memory

import (
	"fmt"
	"time"
)

// Config says what a store may keep.
type Config struct {
	// MaxBytes is the most that all entries may take, with their keys and about
	// 200 bytes each for their place. Defaults to 64 MiB.
	MaxBytes int64
	// MaxAge is how long after its creation an entry is returned. Defaults to
	// no limit.
	MaxAge time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.MaxBytes < 0:
		return c, fmt.Errorf("memory cache: MaxBytes is %d; it may not be negative", c.MaxBytes)
	case c.MaxAge < 0:
		return c, fmt.Errorf("memory cache: MaxAge is %s; it may not be negative", c.MaxAge)
	case c.MaxBytes == 0:
		c.MaxBytes = 64 << 20
	}
	return c, nil
}
