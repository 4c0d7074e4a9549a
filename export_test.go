package spanloom

// HoldReload has a reload under way until the returned function is called.
func HoldReload(t *Telemetry) (goOn func()) {
	t.reloading.turn <- struct{}{}
	return func() { <-t.reloading.turn }
}

// AtShutdown calls f once no more reload begins.
func AtShutdown(t *Telemetry, f func()) {
	leave := t.own.leave
	t.own.leave = func() { f(); leave() }
}
