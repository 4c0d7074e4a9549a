package console

import (
	"strings"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// maxScopes is the most scopes of a run that are told apart, and maxRuns the
	// most runs: where Ends are lost, scopes would stay for ever.
	maxScopes = 16 << 10
	maxRuns   = 1 << 10
)

// runKey tells runs apart.
type runKey struct {
	trace callbacks.TraceID
	id    string
}

// run is what is open of a run.
type run struct {
	key    runKey
	root   *scope
	span   callbacks.SpanID // of the root, when that is known
	scopes map[callbacks.SpanID]*scope
	last   time.Time // of its last event

	// The steps that run, printed or not.
	running map[callbacks.SpanID]*callbacks.CallbackContext
	paths   map[string]*callbacks.CallbackContext

	resumed string // what it continues; empty when it is new
	retries map[callbacks.SpanID]int
	marks   map[callbacks.SpanID][]mark // nil until there is one
}

// runs finds the scope of a context.
type runs struct {
	tree  *tree
	byKey map[runKey]*run
	order []*run
}

func keyOf(cc *callbacks.CallbackContext) runKey { return runKey{cc.TraceID(), cc.RunID()} }

func (rs *runs) of(cc *callbacks.CallbackContext) *run {
	key := keyOf(cc)
	r := rs.byKey[key]
	if r == nil {
		if len(rs.order) >= maxRuns {
			rs.end(rs.order[0], rs.lost(rs.order[0]))
		}
		r = &run{
			key: key, scopes: map[callbacks.SpanID]*scope{}, retries: map[callbacks.SpanID]int{},
			running: map[callbacks.SpanID]*callbacks.CallbackContext{}, paths: map[string]*callbacks.CallbackContext{},
		}
		rs.byKey[key] = r
		rs.order = append(rs.order, r)
	}
	return r
}

// ids returns what tells a run from others.
func (rs *runs) ids(r *run) []string {
	const short = 8
	id := r.key.id
	if len(id) >= 2*short && isHex(id) {
		id = id[:short]
	}
	return compact([]string{"run " + rs.tree.layout.clean(id), "trace " + r.key.trace.String(), r.resumed})
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef-") == ""
}

// unknown says that cc has nothing but a span id: its start was lost.
func unknown(cc *callbacks.CallbackContext) bool { return cc.Name() == "" }

func isRoot(cc *callbacks.CallbackContext) bool {
	return cc.Kind() == callbacks.KindPipeline && cc.Depth() == 0 && !unknown(cc)
}

// around returns the scope in which cc's line stands; cc says where it is by
// itself when lost is true.
func (rs *runs) around(r *run, cc *callbacks.CallbackContext) (s *scope, lost bool) {
	if isRoot(cc) {
		return rs.tree.top, false
	}
	p := cc.Parent()
	if p != nil {
		if s := r.scopes[p.SpanID()]; s != nil {
			return s, false
		}
		if !unknown(p) {
			return rs.scope(r, p), false
		}
	}
	inRoot := p != nil && p.SpanID() == r.span
	if !inRoot { // the start of the run was lost: does the path say so?
		name, rest, _ := strings.Cut(cc.Path(), "/")
		inRoot = name != "" && rest == cc.Name()
	}
	return rs.root(r, cc), !inRoot
}

// scope returns the scope that cc is the context of, and makes it when there is
// none yet.
func (rs *runs) scope(r *run, cc *callbacks.CallbackContext) *scope {
	if isRoot(cc) {
		return rs.root(r, cc)
	}
	if s := r.scopes[cc.SpanID()]; s != nil {
		return s
	}
	parent, _ := rs.around(r, cc)
	if len(r.scopes) >= maxScopes {
		return parent
	}
	s := &scope{parent: parent, head: rs.line(parent, cc)}
	r.scopes[cc.SpanID()] = s
	return s
}

// root returns the root scope of cc's run. When its start was lost, its name is
// known from the path.
func (rs *runs) root(r *run, cc *callbacks.CallbackContext) *scope {
	if isRoot(cc) {
		r.span = cc.SpanID()
	}
	if r.root == nil {
		name, _, _ := strings.Cut(cc.Path(), "/")
		r.root = &scope{parent: rs.tree.top, head: line{
			name:    callbacks.KindPipeline.String() + " " + rs.tree.layout.clean(name),
			details: rs.ids(r),
		}}
	}
	return r.root
}

// line returns a line in a scope with the name of cc's span, and what tells it
// from its siblings.
func (rs *runs) line(parent *scope, cc *callbacks.CallbackContext) line {
	n := line{level: parent.head.level + 1, name: rs.tree.layout.clean(cc.SpanName())}
	if cc.Kind() == callbacks.KindMapItem {
		n.tail = "[" + itoa(cc.Index()) + "]"
	}
	if cc.Iteration() > 0 {
		n.tail += " #" + itoa(cc.Iteration())
	}
	return n
}

// end closes a run and forgets it.
func (rs *runs) end(r *run, text string) {
	if r.root == nil {
		rs.tree.emit(rs.tree.top, text)
	} else {
		rs.tree.close(r.root, text)
	}
	delete(rs.byKey, r.key)
	for i, o := range rs.order {
		if o == r {
			rs.order = append(rs.order[:i], rs.order[i+1:]...)
			break
		}
	}
}

// lost returns the last line of a run whose end did not come.
func (rs *runs) lost(r *run) string {
	if r.root == nil {
		return ""
	}
	n := r.root.head
	n.word = "open"
	n.details = append([]string{"its end was not received"}, n.details...)
	return rs.tree.layout.end(n)
}
