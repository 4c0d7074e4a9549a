package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes results for people.
func WriteTable(w io.Writer, list []Result) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "workload\tengine\tnodes\tp50 ns\tp99 ns\tallocs\tbytes\tvs limit\t")
	for i, r := range list {
		if i > 0 && r.Workload != list[i-1].Workload {
			fmt.Fprintln(tw, "\t\t\t\t\t\t\t\t")
		}
		ratio := "-"
		if r.VsLimit > 0 {
			ratio = fmt.Sprintf("%.1fx", r.VsLimit)
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%.1f\t%.1f\t%.2f\t%.0f\t%s\t\n",
			r.Workload, r.Engine, r.Nodes, r.P50, r.P99, r.Allocs, r.Bytes, ratio)
	}
	return tw.Flush()
}

// WriteTargets writes targets for people.
func WriteTargets(w io.Writer, list []Target) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, t := range list {
		verdict := "holds"
		if !t.Holds {
			verdict = "DOES NOT HOLD"
		}
		relation := "<="
		if t.AtLeast {
			relation = ">="
		}
		fmt.Fprintf(tw, "%s\t%s\t%.2f%s\t%s %g%s\t%s\n", t.Row, t.What, t.Figure, t.Unit, relation, t.Bound, t.Unit, verdict)
	}
	return tw.Flush()
}
