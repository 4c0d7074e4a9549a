//go:build !linux

package bench

import (
	"errors"
	"time"
)

// canCount says whether processor time can be counted.
const canCount = false

func threadTime() (time.Duration, error) { return 0, errors.ErrUnsupported }

func processTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

func children() ([]int, error) { return nil, errors.ErrUnsupported }
