package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// hash returns a digest of what a plan does: its steps, their types and how they
// are wired. Two plans with the same hash can continue each other's runs.
func (p *plan) hash() string {
	h := sha256.New()
	p.describe(h, map[*plan]int{})
	return hex.EncodeToString(h.Sum(nil))
}

func (p *plan) describe(h hash.Hash, known map[*plan]int) {
	known[p] = len(known)
	for i := range p.ops {
		o := &p.ops[i]
		fmt.Fprintf(h, "%d %q %s %q %v %v %v %d\n", o.kind, o.info.Name, o.info.Type, o.info.Signature, o.in, o.many, o.out, o.scope)
		for _, body := range o.bodies {
			n, described := known[body]
			if !described {
				n = len(known)
			}
			fmt.Fprintln(h, "body", n)
			if !described {
				body.describe(h, known)
			}
		}
	}
}
