package engine

import "encoding/binary"

// link makes the groups and the edges.
func (c *compiler) link() {
	groupOf := map[string]int32{}
	after := make([]int32, len(c.ops)) // group of the operations that need only this one, plus 1
	var sets, members [][]int32
	var key []byte
	for id, preds := range c.preds {
		var g int32
		switch len(preds) {
		case 0:
			continue
		case 1:
			g = after[preds[0]] - 1
		default:
			key = key[:0]
			for _, p := range preds {
				key = binary.LittleEndian.AppendUint32(key, uint32(p))
			}
			g = groupOf[string(key)] - 1
		}
		if g < 0 {
			g = int32(len(sets))
			sets = append(sets, preds)
			members = append(members, nil)
			if len(preds) == 1 {
				after[preds[0]] = g + 1
			} else {
				groupOf[string(key)] = g + 1
			}
		}
		members[g] = append(members[g], int32(id))
	}
	outs := make([][]int32, len(c.ops))
	for g, set := range sets {
		c.need = append(c.need, int32(len(set)))
		for _, p := range set {
			outs[p] = append(outs[p], int32(g))
		}
	}
	c.outAt, c.outs = flatten(outs)
	c.memberAt, c.members = flatten(members)
	for id, groups := range outs {
		if len(groups) == 1 && c.need[groups[0]] == 1 && len(members[groups[0]]) == 1 {
			c.ops[id].then = members[groups[0]][0]
		}
	}
}

func flatten(lists [][]int32) (at, flat []int32) {
	at = make([]int32, 1, len(lists)+1)
	for _, l := range lists {
		flat = append(flat, l...)
		at = append(at, int32(len(flat)))
	}
	return at, flat
}
