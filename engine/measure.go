package engine

import "fmt"

const (
	// maxDepth bounds how deep steps are nested in each other: every path below
	// has all the names above.
	maxDepth = 1000
	// maxSteps bounds the size of a plan.
	maxSteps = 2_000_000
)

// measure adds a step to the measures of a definition, and says when one becomes
// too large.
func (def *definition) measure(st *step) string {
	size := 1
	if st.pipeline != nil {
		size += st.pipeline.size
	}
	deeper := st.depth() + 1
	// What is too large already has been told of.
	small, flat := def.size <= maxSteps && size <= maxSteps, def.depth <= maxDepth && deeper <= maxDepth+1
	def.size = min(def.size+size, maxSteps+1)
	def.depth = max(def.depth, deeper)
	switch {
	case flat && def.depth > maxDepth:
		return tooDeep(def.depth)
	case small && def.size > maxSteps:
		return fmt.Sprintf("the pipeline has more than %d steps, those of nested pipelines included; map over a list instead", maxSteps)
	default:
		return ""
	}
}

func tooDeep(depth int) string {
	if depth <= maxDepth {
		return ""
	}
	return fmt.Sprintf("pipelines, branches and loops are nested %d deep; at most %d are allowed", depth, maxDepth)
}

// depth returns how deep other steps are nested in s.
func (s *step) depth() int {
	switch {
	case s == nil:
		return 0
	case s.pipeline != nil:
		return s.pipeline.depth
	default:
		return s.deep
	}
}
