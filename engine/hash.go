package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// hash returns a digest of what a pipeline does: its steps, their types and how
// they are wired, without what options say. Two pipelines with the same hash can
// continue each other's runs.
func (def *definition) hash() string {
	d := &describer{Hash: sha256.New(), known: map[*definition]int{}}
	d.pipeline(def)
	return hex.EncodeToString(d.Sum(nil))
}

type describer struct {
	hash.Hash

	known map[*definition]int
}

func (d *describer) sayf(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *describer) pipeline(def *definition) {
	if n, ok := d.known[def]; ok {
		d.sayf("as %d", n)
		return
	}
	d.known[def] = len(d.known)
	d.sayf("pipeline %d", def.in)
	for i := range def.places {
		p := *def.places[i]
		d.sayf("%q %v %d %t", p.info.Name, p.in, p.out, p.bind != nil)
		if p.step != nil {
			d.step(p.step)
		}
	}
	d.sayf("end %d", def.out)
}

func (d *describer) step(s *step) {
	d.sayf("%s %q %q %s %t", s.info.Type, s.info.Name, s.info.Signature, s.structure(), s.paired != nil)
	switch {
	case s.pipeline != nil:
		d.pipeline(s.pipeline)
	case s.branch != nil:
		for _, one := range s.branch.steps {
			d.step(one)
		}
		d.sayf("end")
	case s.loop != nil:
		d.step(s.loop.body)
	}
}

// structure returns a digest of the Go types of a step, of all that they are
// made of.
func (s *step) structure() string {
	all := []byte(formOf(s.out.typ()).digest)
	for _, in := range s.ins {
		all = append(all, formOf(in.typ()).digest...)
	}
	return digest(all)
}
