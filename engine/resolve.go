package engine

// said returns what holds of a step that is used at p: what was said there, over
// what was said where it was made.
func (p place) said() policy {
	if p.policy == nil {
		return valueOf(p.step.policy)
	}
	return p.policy.over(valueOf(p.step.policy))
}

// inside returns what holds inside a step of which p was said, when around holds
// around it. Who hears it is resolved apart, because callbacks add up.
func (p policy) inside(around policy) policy {
	in := p.over(around)
	in.tolerant, in.callbacks = false, nil
	return in
}

// applied returns what holds for the function of a node, when p holds around it
// and said was said of the node itself. What a gate decides is only cached if
// that is said of the gate.
func (s *step) applied(p, said policy) policy {
	if s.gated {
		p.cache = said.cache
	}
	return p
}

// item returns the place of the step that a map at p runs for each item. What
// the map says of itself is not for the maps inside.
func (p place) item() place {
	said := valueOf(p.policy)
	said.concurrency, said.tolerant = nil, false
	return place{info: p.info, step: p.step, policy: said.kept(), heard: p.heard}
}
