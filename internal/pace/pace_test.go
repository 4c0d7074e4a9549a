package pace

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 200 * time.Millisecond
		p := New(linger)
		took := func(ctx context.Context, n int) time.Duration {
			begin := time.Now()
			for range n {
				p.Wait(ctx, nil)
			}
			return time.Since(begin)
		}
		if d := took(t.Context(), burst); d != 0 {
			t.Errorf("a short program waits %s", d)
		}
		if d := took(t.Context(), 10); d != 10*linger {
			t.Errorf("ten more took %s, want %s", d, 10*linger)
		}
		time.Sleep(2*linger + linger/2)
		if d := took(t.Context(), 3); d != linger/2 {
			t.Errorf("three after a pause took %s, want %s", d, linger/2)
		}
		time.Sleep(time.Hour)
		if d := took(t.Context(), burst+1); d != linger {
			t.Errorf("after a long pause %s, want %s", d, linger)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if d := took(ctx, 1); d != time.Millisecond {
			t.Errorf("the end of the context was noticed after %s", d)
		}
		if d := took(ctx, 1000); d != 0 {
			t.Errorf("an ended context waits %s", d)
		}
		if d := took(t.Context(), 1); d > 2*linger {
			t.Errorf("after hurried flushes one waits %s", d)
		}
		if d := newTook(t, 0); d != 0 {
			t.Errorf("without linger it took %s", d)
		}
	})
}

// TestPaceHurry: it ends a wait that has begun.
func TestPaceHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(time.Hour)
		for range burst {
			p.Wait(t.Context(), nil)
		}
		hurry := make(chan struct{})
		time.AfterFunc(time.Millisecond, func() { close(hurry) })
		begin := time.Now()
		p.Wait(t.Context(), hurry)
		if d := time.Since(begin); d != time.Millisecond {
			t.Errorf("the hurry was noticed after %s", d)
		}
	})
}

func newTook(t *testing.T, linger time.Duration) time.Duration {
	t.Helper()
	p := New(linger)
	begin := time.Now()
	for range 100 {
		p.Wait(t.Context(), nil)
	}
	return time.Since(begin)
}
