//go:build !linux

package bench

import (
	"errors"
	"time"
)

// canCount says whether processor time can be counted.
const canCount = false

var errNoClock = errors.New("processes are measured on Linux only")

func threadTime() (time.Duration, error) { return 0, errNoClock }

func processTime(int) (time.Duration, error) { return 0, errNoClock }

func children() ([]int, error) { return nil, errNoClock }

func pause(int) error { return errNoClock }

func resume(int) error { return errNoClock }

func forgetPeaks(...int) error { return errNoClock }

func peak(int) (float64, error) { return 0, errNoClock }
