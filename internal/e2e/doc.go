// Package e2e holds what users are promised to what real servers have in the end:
// its tests run pipelines as a program does, through the public packages only, and
// ask a Jaeger, a Collector and a Prometheus what came of it.
//
// What must be there is made of what the hooks of the same runs said, so that no
// second account of a run has to be kept by hand.
package e2e
