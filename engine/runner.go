package engine

// Runner executes pipelines. Its zero value is not a runner.
type Runner struct{ name string }

// Local runs steps on the goroutines of this process, in parallel. It is the
// default.
func Local() Runner { return Runner{"local"} }

// Sequential runs one step after another, in the order in which the pipeline was
// defined, and the items of a map in their order. It is for finding mistakes.
func Sequential() Runner { return Runner{"sequential"} }

// Name returns the runner's name, as hooks and spans say it.
func (r Runner) Name() string { return r.name }
