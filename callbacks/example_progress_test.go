package callbacks_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// progress shows one line, which it writes anew for each item of a map.
type progress struct {
	callbacks.Base
	out io.Writer

	mu          sync.Mutex // hooks of different items come at once
	done, total int
}

// Hooks says what progress wants to hear. Without it all is computed for it.
func (p *progress) Hooks() callbacks.Hook {
	return callbacks.HookMapStart | callbacks.HookMapItemEnd | callbacks.HookMapItemCached
}

func (p *progress) OnMapStart(_ *callbacks.CallbackContext, ev callbacks.MapStart) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += ev.Size
}

func (p *progress) OnMapItemEnd(cc *callbacks.CallbackContext, _ callbacks.MapItemEnd) { p.step(cc) }

func (p *progress) OnMapItemCached(cc *callbacks.CallbackContext, _ callbacks.MapItemCached) {
	p.step(cc)
}

func (p *progress) step(cc *callbacks.CallbackContext) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	fmt.Fprintf(p.out, "\r%s: %d of %d", cc.Name(), p.done, p.total)
}

func ExampleBase() {
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, half, list)
	})
	var line strings.Builder // a program takes os.Stderr
	_, err := p.Run(context.Background(), []int{1, 2, 3}, engine.Config{
		Callbacks: []callbacks.PipelineCallback{&progress{out: &line}},
	})

	fmt.Println(strings.ReplaceAll(line.String(), "\r", "\n"), err)
	// Output:
	// half: 1 of 3
	// half: 2 of 3
	// half: 3 of 3 <nil>
}
