package bench

import (
	"errors"
	"os"
	"runtime"
	"time"
)

// onThread makes a job's cost the processor time of the goroutine that calls
// Run, which keeps its thread meanwhile. What other goroutines do for the run,
// now or later, is not in it, nor is time in which others had the processor.
func onThread(makeJob func() (Job, error)) func() (Job, error) {
	return costing(makeJob, threadTime)
}

// ofProcesses makes a job's cost the processor time of this process and of
// others, with all that goes on in them: the collector of garbage, timers.
func ofProcesses(others []int, makeJob func() (Job, error)) func() (Job, error) {
	return costing(makeJob, func() (time.Duration, error) {
		total, err := processTime(os.Getpid())
		for _, pid := range others {
			t, failed := processTime(pid)
			total, err = total+t, errors.Join(err, failed)
		}
		return total, err
	})
}

// costing makes a job's cost what a clock has gone on.
func costing(makeJob func() (Job, error), clock func() (time.Duration, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		run, cost := j.Run, time.Duration(0)
		j.Run = func() error {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before, errBefore := clock()
			err := run()
			after, errAfter := clock()
			cost = after - before
			return errors.Join(err, errBefore, errAfter)
		}
		j.Cost = func() time.Duration { return cost }
		return j, err
	}
}

// beside makes a job's cost what one job takes longer than another, which run one
// after the other, in turns, so that both meet the same machine: what disturbs it for
// longer than a run disturbs both.
func beside(without, with func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		a, err := without()
		b, errB := with()
		if err = errors.Join(err, errB); err != nil {
			return Job{}, err
		}
		var more time.Duration
		turn := false
		timed := func(j Job) (time.Duration, error) {
			begin := time.Now()
			err := j.Run()
			took := time.Since(begin)
			return took, errors.Join(err, j.Check())
		}
		return Job{
			Run: func() error {
				first, second := a, b
				if turn = !turn; turn {
					first, second = b, a
				}
				x, err := timed(first)
				y, errY := timed(second)
				if more = y - x; turn {
					more = x - y
				}
				return errors.Join(err, errY)
			},
			Check: func() error { return nil },
			Cost:  func() time.Duration { return more },
		}, nil
	}
}

// often makes a job of several runs of another, each of which is checked.
func often(times int, makeJob func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		return Job{
			Run: func() error {
				for range times {
					if err := errors.Join(j.Run(), j.Check()); err != nil {
						return err
					}
				}
				return nil
			},
			Check: func() error { return nil },
		}, err
	}
}
