package callbacks

import (
	"runtime"
	"sync/atomic"
)

// Node is what is known of a step before a run begins: it is made once, shared
// by all runs and never changes. Two contexts of the same step have the same
// *Node, so that a receiver may intern by pointer.
type Node struct {
	// Name is the step's name, unique in its pipeline.
	Name string
	// Type is what the step is: "func", "pipeline", "shell", "notebook",
	// "branch" or "loop". A map has the type of the step that it maps.
	Type string
	// Version is that of a pipeline, where its author has said one.
	Version string
	// Signature is the Go type of the function, inputs and outputs included.
	Signature string
	// PC is the entry of the step's function, from which Source finds its
	// place; 0 when Code is set or there is none.
	PC uintptr
	// Code is the place of the step's function; empty when PC is set.
	Code Source

	hash atomic.Uint64
}

// Source is a place in source code.
type Source struct {
	Function string
	File     string
	Line     int
}

// Source returns the place of the step's function, or the zero Source.
func (n *Node) Source() Source {
	if n.PC == 0 {
		return n.Code
	}
	f := runtime.FuncForPC(n.PC)
	if f == nil {
		return n.Code
	}
	file, line := f.FileLine(n.PC)
	return Source{Function: f.Name(), File: file, Line: line}
}

// nameHash returns the 64-bit FNV-1a hash of the name, which goes into span ids.
func (n *Node) nameHash() uint64 {
	if h := n.hash.Load(); h != 0 {
		return h
	}
	h := uint64(0xcbf29ce484222325)
	for i := range len(n.Name) {
		h = (h ^ uint64(n.Name[i])) * 0x100000001b3
	}
	if h == 0 {
		h = 1
	}
	n.hash.Store(h)
	return h
}
