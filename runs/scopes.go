package runs

// Begin implements [Log].
func (l *fileLog) Begin(s Scope) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, known := l.steps[s.Step]
	if !known {
		number = len(l.steps) + 1
		if err := l.write(head{Step: &stepEntry{number, s.Step}}); err != nil {
			return err
		}
		if l.steps == nil {
			l.steps = map[Step]int{}
		}
		l.steps[s.Step] = number
	}
	return l.write(head{Begin: &beginEntry{
		Step: number, Kind: text(s.Kind), Path: text(s.Path), SpanID: text(s.SpanID), Parent: text(s.ParentSpanID),
		Index: s.Index, Iteration: s.Iteration, Depth: s.Depth, Started: s.Started.UTC(), Runner: text(s.Runner),
		TraceID: text(s.TraceID), Flags: s.Flags, State: text(s.TraceState),
	}})
}

// Done implements [Log].
func (l *fileLog) Done(spanID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(head{Done: &doneEntry{text(spanID)}})
}
