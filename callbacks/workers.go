package callbacks

// Workers tells how busy those are who run the nodes of a run. It may be asked at
// any time, concurrently, until the OnPipelineEnd of the run has returned; what it
// says afterwards is of no run, or of another. Asking costs the run nothing.
type Workers interface {
	Load() Load
}

// Load is how busy workers are, at about one moment.
type Load struct {
	// Busy is how many run a node or an item, and Limit how many may at once.
	Busy, Limit int
	// Queued is how many nodes could begin and wait for a worker. Items of maps,
	// which wait in their map, are not among them.
	Queued int
}
