package engine

import "encoding/binary"

// link makes the groups and the edges.
func (c *compiler) link() {
	n := len(c.ops)
	groupOf := map[string]int32{}    // of operations with several predecessors, plus 1
	after := make([]int32, n)        // group of the operations that need only this one, plus 1
	group := make([]int32, n)        // of an operation, plus 1; 0: it needs none
	first := make([]int32, 0, n)     // group -> its first operation
	c.memberAt = make([]int32, 1, n) // counts, until they are summed up
	c.outAt = make([]int32, n+1)     // as memberAt
	var key []byte
	for id, preds := range c.preds {
		if len(preds) == 0 {
			continue
		}
		var g int32
		if len(preds) == 1 {
			g = after[preds[0]]
		} else {
			key = key[:0]
			for _, p := range preds {
				key = binary.LittleEndian.AppendUint32(key, uint32(p))
			}
			g = groupOf[string(key)]
		}
		if g == 0 {
			first = append(first, int32(id))
			c.need = append(c.need, int32(len(preds)))
			c.memberAt = append(c.memberAt, 0)
			g = int32(len(first))
			if len(preds) == 1 {
				after[preds[0]] = g
			} else {
				groupOf[string(key)] = g
			}
			for _, p := range preds {
				c.outAt[p+1]++
			}
		}
		group[id] = g
		c.memberAt[g]++
	}
	c.members, c.outs = make([]int32, sumUp(c.memberAt)), make([]int32, sumUp(c.outAt))
	filled := make([]int32, max(len(first), n))
	for id, g := range group {
		if g > 0 {
			c.members[c.memberAt[g-1]+filled[g-1]] = int32(id)
			filled[g-1]++
		}
	}
	clear(filled)
	for g, id := range first {
		for _, p := range c.preds[id] {
			c.outs[c.outAt[p]+filled[p]] = int32(g)
			filled[p]++
		}
	}
	c.shorten()
}

// sumUp makes numbers of elements, from at[1], the places where they begin.
func sumUp(at []int32) (all int32) {
	for i := range at {
		all += at[i]
		at[i] = all
	}
	return all
}

// shorten finds the operations that one other waits for, and which waits for
// nothing else.
func (c *compiler) shorten() {
	for id := range c.ops {
		if c.outAt[id+1]-c.outAt[id] != 1 {
			continue
		}
		g := c.outs[c.outAt[id]]
		if c.need[g] == 1 && c.memberAt[g+1]-c.memberAt[g] == 1 {
			c.ops[id].then = c.members[c.memberAt[g]]
		}
	}
}
