// Package bench runs the same workloads on several engines in one process and
// compares what a node costs. Absolute figures say something about one
// machine only; the ratios to the limit scheduler carry over.
//
//	W1  a chain of 1,000 nodes that pass an int on
//	W2  one root, 1,000 nodes side by side, one join
//	W3  a map over 100,000 items
//	W4  50 nested pipelines with 4 leaves each; a cost is per leaf
//	W5  32 layers of 32 nodes, each reading the whole layer before it
//
// Another engine takes part with a function like limitWorkloads and a line in
// All.
package bench
