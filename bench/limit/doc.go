// Package limit is a scheduler with nothing around it: how fast typed nodes of
// an acyclic graph can run in one process when no node has an identity, a
// retry, a timeout or a listener. The benchmarks measure engines against it;
// it is not one itself.
//
// What makes it fast:
//
//   - Nodes are int32 indices, edges are two flat arrays.
//   - Nodes with the same predecessors share one counter, and a node with a
//     single predecessor needs none.
//   - The first successor that becomes ready runs on the same goroutine; the
//     others are published together to the worker's deque, from which idle
//     workers steal.
//   - Values live in typed slots that are reused from run to run, so a run
//     allocates nothing.
//
// There are GOMAXPROCS workers, so nodes must not block.
package limit
