package spanloom

import (
	"os"
	"os/signal"
)

// hear has the signals that ask for a reload caught from now on, so that none ends the
// program, whatever Open and Shutdown are at.
func (r *reloading) hear(signals []os.Signal) {
	if len(signals) == 0 { // which for Notify are all
		return
	}
	r.asked = make(chan os.Signal, 1)
	signal.Notify(r.asked, signals...)
}

// unhear leaves the signals to the program.
func (r *reloading) unhear() {
	if r.asked != nil {
		signal.Stop(r.asked)
	}
}
